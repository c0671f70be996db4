package phases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// device is a character device that shall be there and be real.
type device struct {
	path         string
	major, minor uint32
	mode         uint32
}

func (d device) String() string { return fmt.Sprintf("device %s (%d:%d)", d.path, d.major, d.minor) }

func (d device) Apply(context.Context) error {
	if d.real() {
		return d.open()
	}
	// A link to the console, or something else that was mounted there.
	if mounted, err := mountinfo.Mounted(d.path); mounted && err == nil {
		if err := unix.Unmount(d.path, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("cannot unmount what is on %s: %w", d.path, err)
		}
		if d.real() {
			return d.open()
		}
	}
	if err := os.MkdirAll(filepath.Dir(d.path), 0o755); err != nil {
		return fmt.Errorf("cannot make the directory of %s: %w", d.path, err)
	}
	// An old kmsg stays if there can't be a new one.
	beside := d.path + ".dnetinit"
	_ = os.Remove(beside)
	if err := unix.Mknod(beside, unix.S_IFCHR|d.mode, int(unix.Mkdev(d.major, d.minor))); err != nil {
		return fmt.Errorf("cannot make device %s (%d:%d): %w", d.path, d.major, d.minor, err)
	}
	// mknod heeds the umask.
	if err := errors.Join(os.Chmod(beside, os.FileMode(d.mode)), os.Rename(beside, d.path)); err != nil {
		_ = os.Remove(beside)
		return fmt.Errorf("cannot make device %s: %w", d.path, err)
	}
	return d.open()
}

// real tells if the file is this device and no link.
func (d device) real() bool {
	var st unix.Stat_t
	return unix.Lstat(d.path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR &&
		uint64(st.Rdev) == unix.Mkdev(d.major, d.minor)
}

// open opens the device once: it can be there and yet be forbidden by the
// device cgroup, or by the lack of a capability.
func (d device) open() error {
	fd, err := unix.Open(d.path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == nil {
		return unix.Close(fd)
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("cannot open %s: %w: allow it with --privileged, or --device-cgroup-rule 'a *:* rwm' and --cap-add SYSLOG", d.path, err)
	}
	return fmt.Errorf("cannot open %s: %w", d.path, err)
}

// modules are kernel modules that are loaded if there is a way to: they are
// built in, or were loaded by the host, or /lib/modules is mounted from it.
type modules []string

func (m modules) String() string { return "kernel modules " + strings.Join(m, " ") }

func (m modules) Apply(ctx context.Context) error {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return fmt.Errorf("cannot read the kernel's release: %w", err)
	}
	if _, err := os.Stat(filepath.Join("/lib/modules", unix.ByteSliceToString(uts.Release[:]))); err != nil {
		return nil // nothing to load from; if one is missing, who needs it will say so
	}
	missing := m.missing("/sys/module")
	if len(missing) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "modprobe", append([]string{"--all", "--quiet"}, missing...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cannot load %s: %w: %s", strings.Join(missing, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// missing lists the modules that the kernel doesn't show. Some that are built
// in are never shown; loading them is then nothing.
func (m modules) missing(sys string) []string {
	var missing []string
	for _, name := range m {
		if _, err := os.Stat(filepath.Join(sys, name)); err != nil {
			missing = append(missing, name)
		}
	}
	return missing
}
