package preflight

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/internal/cgroup"
)

// required are the controllers without which the kubelet does not start.
var required = []string{"cpu", "cpuset", "memory", "pids"}

func cgroups(_ context.Context, o Options) []Finding {
	tree, err := cgroup.Options{FS: o.FS}.Detect()
	if o.FS == "" {
		tree, err = cgroup.Detect()
	}
	if err != nil {
		return []Finding{{Severity: Error, Message: err.Error(),
			Remedy: "Let the engine mount /sys/fs/cgroup: start the container with --privileged --cgroupns=private"}}
	}
	has := tree.Controllers()
	missing := slices.DeleteFunc(slices.Clone(required), func(c string) bool { return slices.Contains(has, c) })
	switch {
	case len(missing) == 0:
		return nil
	case len(missing) == len(required):
		return []Finding{{Severity: Error,
			Message: fmt.Sprintf("no cgroup (%s) belongs to this container: what it made would be the host's", tree.Mode),
			Remedy:  "Start it with --cgroupns=private, and not with --cgroups=disabled"}}
	case slices.Equal(missing, []string{"pids"}):
		return []Finding{{Severity: Warning, Message: "the cgroup controller pids is missing: the number of a pod's processes has no limit"}}
	}
	return []Finding{{Severity: Warning,
		Message: fmt.Sprintf("the container has no cgroup of its own for %s (cgroup %s)", strings.Join(missing, ", "), tree.Mode),
		Remedy:  "Have the host delegate these controllers to its containers; the kubelet needs cpu, cpuset and memory"}}
}

func ports(ctx context.Context, o Options) []Finding {
	var findings []Finding
	addrs := make([]string, 0, len(o.Listen))
	for addr := range o.Listen {
		addrs = append(addrs, addr)
	}
	slices.Sort(addrs)
	for _, addr := range addrs {
		var listen net.ListenConfig
		l, err := listen.Listen(ctx, "tcp", addr)
		if err == nil {
			_ = l.Close()
			continue
		}
		f := Finding{Severity: Error, Message: fmt.Sprintf("%s can't listen on %s: %v", o.Listen[addr], addr, rootCause(err))}
		if errors.Is(err, syscall.EADDRINUSE) {
			f.Remedy = "Stop what listens there; with --network=host or --network=container:… that is another container or the host, so leave that option out"
		}
		findings = append(findings, f)
	}
	return findings
}

func rootCause(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// The room that state needs: below the first it does not get through a boot
// (etcd alone allocates 64 MB for a log), below the second it is soon full.
const (
	leastBytes = 256 << 20
	fewBytes   = 2 << 30
	leastNodes = 1000
)

func disk(_ context.Context, o Options) []Finding {
	var findings []Finding
	seen := map[unix.Fsid]bool{}
	for _, dir := range o.StateDirs {
		var fs unix.Statfs_t
		if err := statfs(o.path(dir), &fs); err != nil {
			findings = append(findings, Finding{Severity: Error, Message: fmt.Sprintf("cannot look at the file system of %s: %v", dir, err)})
			continue
		}
		if seen[fs.Fsid] && fs.Fsid != (unix.Fsid{}) {
			continue // once is enough for each
		}
		seen[fs.Fsid] = true
		findings = append(findings, room(dir, fs)...)
	}
	return findings
}

// room judges what statfs says. Bavail is what is left for us, in blocks of
// Bsize; file systems that make inodes as they go say that there are none.
func room(dir string, fs unix.Statfs_t) []Finding {
	const remedy = "Make room on the host's disk (docker system prune), or give the container a volume on another: --volume /big/disk:"
	free := fs.Bavail * uint64(fs.Bsize)
	switch {
	case fs.Flags&unix.ST_RDONLY != 0:
		return []Finding{{Severity: Error, Message: dir + " is read-only", Remedy: "Leave out :ro of the volume, or --read-only"}}
	case free < leastBytes:
		return []Finding{{Severity: Error, Message: fmt.Sprintf("the disk of %s is full: %d MB are free, %d MB are needed", dir, free>>20, leastBytes>>20), Remedy: remedy + dir}}
	case fs.Files > 0 && fs.Ffree < leastNodes:
		return []Finding{{Severity: Error, Message: fmt.Sprintf("the disk of %s is full: %d inodes are free, %d are needed", dir, fs.Ffree, leastNodes), Remedy: remedy + dir}}
	case free < fewBytes:
		return []Finding{{Severity: Warning, Message: fmt.Sprintf("the disk of %s is nearly full: %d MB are free", dir, free>>20), Remedy: remedy + dir}}
	}
	return nil
}

// unstackable are the file systems on which overlayfs can't have its upper
// layer.
var unstackable = map[int64]string{
	unix.OVERLAYFS_SUPER_MAGIC: "overlay",
	0x65735546:                 "fuse",
	0x2fc12fc1:                 "zfs",
}

func layers(_ context.Context, o Options) []Finding {
	var findings []Finding
	for _, dir := range o.LayerDirs {
		if name, bad := Unstackable(o.path(dir)); bad {
			findings = append(findings, Finding{Severity: Warning,
				Message: fmt.Sprintf("%s is on %s, which can't hold overlay's layers: images will be copied, which is slow and takes room", dir, name),
				Remedy:  "Give the container a volume there: --volume " + dir})
		}
	}
	return findings
}

// Unstackable tells if a directory, or the nearest above it that exists, is on
// a file system that can't hold overlay's layers, and names that. containerd
// needs its native snapshotter then.
func Unstackable(dir string) (fstype string, bad bool) {
	var fs unix.Statfs_t
	if statfs(dir, &fs) != nil {
		return "", false
	}
	fstype, bad = unstackable[int64(fs.Type)]
	return fstype, bad
}

// statfs looks at dir or, as long as that isn't there, at what is above it.
func statfs(dir string, fs *unix.Statfs_t) error {
	for {
		err := unix.Statfs(dir, fs)
		if !errors.Is(err, unix.ENOENT) || dir == filepath.Dir(dir) {
			return err
		}
		dir = filepath.Dir(dir)
	}
}
