package phases

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// propagation is how mounts below path reach other namespaces and come from
// there.
type propagation struct {
	path string
	flag uintptr // unix.MS_SLAVE or unix.MS_SHARED
}

func (p propagation) String() string {
	return map[uintptr]string{unix.MS_SLAVE: "rslave ", unix.MS_SHARED: "rshared "}[p.flag] + p.path
}

func (p propagation) Apply(context.Context) error {
	if err := unix.Mount("", p.path, "", p.flag|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("cannot make %s: %w", p, err)
	}
	return nil
}

// mountPoint is a file system that shall be mounted, whichever it is.
type mountPoint struct {
	path    string
	fstype  string
	options string
	flags   uintptr
}

func (m mountPoint) String() string { return m.fstype + " on " + m.path }

func (m mountPoint) Apply(context.Context) error {
	if mounted, err := mountinfo.Mounted(m.path); mounted && err == nil {
		return nil
	}
	if err := os.MkdirAll(m.path, 0o755); err != nil {
		return fmt.Errorf("cannot make the mount point %s: %w", m.path, err)
	}
	return m.mount(m.path)
}

func (m mountPoint) mount(at string) error {
	if err := unix.Mount(m.fstype, at, m.fstype, m.flags, m.options); err != nil {
		return fmt.Errorf("cannot mount %s on %s with %q: %w", m.fstype, at, m.options, err)
	}
	return nil
}

// tmpfs is a tmpfs where nothing is mounted yet. What the user mounted below
// (`--volume …:/run/agent.sock`) stays in its place: it is bound to the new
// tmpfs before that covers the old directory.
type tmpfs struct {
	path    string
	options string
	flags   uintptr
}

func (t tmpfs) String() string { return "tmpfs on " + t.path }

func (t tmpfs) Apply(ctx context.Context) error {
	m := mountPoint{path: t.path, fstype: "tmpfs", options: t.options, flags: t.flags}
	below, err := mountsBelow(t.path)
	if err != nil {
		return err
	}
	mounted, err := mountinfo.Mounted(t.path)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("cannot see what is mounted on %s: %w", t.path, err)
	}
	if mounted || len(below) == 0 {
		return m.Apply(ctx)
	}
	stage, err := os.MkdirTemp("/", ".dnetinit-stage-")
	if err != nil {
		return fmt.Errorf("cannot make a directory to mount %s in: %w", t, err)
	}
	defer os.Remove(stage)
	if err := m.mount(stage); err != nil {
		return err
	}
	for _, path := range below {
		if err := bind(path, filepath.Join(stage, strings.TrimPrefix(path, t.path)), unix.MS_REC); err != nil {
			_ = unix.Unmount(stage, unix.MNT_DETACH)
			return err
		}
	}
	if err := unix.Mount(stage, t.path, "", unix.MS_MOVE, ""); err != nil {
		_ = unix.Unmount(stage, unix.MNT_DETACH)
		return fmt.Errorf("cannot move the mount %s to %s: %w", stage, t.path, err)
	}
	return nil
}

// mountsBelow lists the mount points below dir that are below no other of them.
func mountsBelow(dir string) ([]string, error) {
	infos, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		return nil, fmt.Errorf("cannot list the mounts below %s: %w", dir, err)
	}
	var all []string
	for _, m := range infos {
		if m.Mountpoint != dir {
			all = append(all, m.Mountpoint)
		}
	}
	slices.Sort(all)
	var top []string
	for _, path := range all {
		if len(top) == 0 || path != top[len(top)-1] && !strings.HasPrefix(path, top[len(top)-1]+"/") {
			top = append(top, path)
		}
	}
	return top, nil
}

// bind binds a file or directory to another place, which it makes.
func bind(from, to string, flags uintptr) error {
	info, err := os.Stat(from)
	if err != nil {
		return fmt.Errorf("cannot bind %s to %s: %w", from, to, err)
	}
	if info.IsDir() {
		err = os.MkdirAll(to, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
		var f *os.File
		if f, err = os.OpenFile(to, os.O_CREATE|os.O_RDONLY, 0o644); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("cannot make %s to bind %s to: %w", to, from, err)
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND|flags, ""); err != nil {
		return fmt.Errorf("cannot bind %s to %s: %w", from, to, err)
	}
	return nil
}

// mountFlags are the flags of a mount, other than "ro", as mountinfo names them.
var mountFlags = map[string]uintptr{
	"nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC, "nosymfollow": unix.MS_NOSYMFOLLOW,
	"noatime": unix.MS_NOATIME, "nodiratime": unix.MS_NODIRATIME, "relatime": unix.MS_RELATIME,
}

// writable makes mounts read-write that are read-only.
type writable struct {
	at    string
	below bool // those below at as well
	types []string
}

func (w writable) String() string { return w.at + " read-write" }

func (w writable) Apply(context.Context) error {
	infos, err := mountinfo.GetMounts(mountinfo.PrefixFilter(w.at))
	if err != nil {
		return fmt.Errorf("cannot list the mounts below %s: %w", w.at, err)
	}
	for _, m := range infos {
		if m.Mountpoint != w.at && !w.below || !slices.Contains(w.types, m.FSType) || !w.wants(m) {
			continue
		}
		if options := strings.Split(m.Options, ","); slices.Contains(options, "ro") {
			// Only this mount's flag; its others have to be given again, as they
			// would be lost, and may be locked.
			flags := uintptr(unix.MS_REMOUNT | unix.MS_BIND)
			for _, o := range options {
				flags |= mountFlags[o]
			}
			if err := unix.Mount("", m.Mountpoint, "", flags, ""); err != nil {
				return fmt.Errorf("cannot remount %s read-write: %w", m.Mountpoint, err)
			}
		}
		if slices.Contains(strings.Split(m.VFSOptions, ","), "ro") {
			// The file system itself is read-only too.
			if err := unix.Mount("", m.Mountpoint, "", unix.MS_REMOUNT, ""); err != nil {
				return fmt.Errorf("cannot remount the %s of %s read-write: %w", m.FSType, m.Mountpoint, err)
			}
		}
	}
	return nil
}

// wants leaves alone what an engine masks, such as /sys/firmware: an empty
// tmpfs, where the only one that we want is below the cgroups.
func (w writable) wants(m *mountinfo.Info) bool {
	return m.FSType != "tmpfs" || m.Mountpoint == "/sys/fs/cgroup"
}
