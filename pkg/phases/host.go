package phases

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// runDir holds what PID 1 makes anew at each start.
const runDir = "/run/dnetinit"

// step is one thing that a host phase makes so. It may be applied again.
type step interface {
	Apply(ctx context.Context) error
	String() string
}

// optional is a step whose failure is only logged.
type optional struct{ step }

// apply applies the steps one after the other and stops at the first that
// fails.
func apply(ctx context.Context, log *zap.Logger, steps ...step) error {
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		err := s.Apply(ctx)
		if _, may := s.(optional); may && err != nil {
			log.Warn("left out: "+s.String(), zap.Error(err))
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		log.Debug("host", zap.Stringer("step", s))
	}
	return nil
}

// Early makes /run a tmpfs. It is to be called before PID 1 opens its first
// socket below /run, which the tmpfs would hide, and so is no phase.
func Early(ctx context.Context, log *zap.Logger) error {
	return apply(ctx, log, earlySteps()...)
}

func earlySteps() []step {
	return []step{
		// What we mount from here on is not the host's business.
		propagation{path: "/", flag: unix.MS_SLAVE},
		tmpfs{path: "/run", options: "mode=755", flags: unix.MS_NOSUID | unix.MS_NODEV},
		directory{path: runDir, mode: 0o755},
	}
}

// Mounts prepares the mounts and the devices.
func Mounts(log *zap.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		return apply(ctx, log, mountSteps()...)
	}
}

func mountSteps() []step {
	return append(earlySteps(),
		tmpfs{path: "/tmp", options: "mode=1777", flags: unix.MS_NOSUID | unix.MS_NODEV},
		// The kubelet and CNI write there; an engine that does not grant every
		// capability mounts them read-only.
		writable{at: "/sys", below: true, types: []string{"sysfs", "cgroup", "cgroup2", "tmpfs"}},
		optional{writable{at: "/proc/sys", types: []string{"proc"}}},
		optional{mountPoint{path: "/dev/mqueue", fstype: "mqueue", flags: unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC}},
		// The kubelet does not start without it, and reads OOM kills from it.
		device{path: "/dev/kmsg", major: 1, minor: 11, mode: 0o644},
		optional{device{path: "/dev/fuse", major: 10, minor: 229, mode: 0o666}},
		optional{device{path: "/dev/net/tun", major: 10, minor: 200, mode: 0o666}},
		// A volume begins with the mode of the image's directory, and a user's
		// mount with whatever it has. Every Secret is in there.
		optional{private{"/var/lib/etcd"}},
		optional{modules{"overlay", "br_netfilter", "nf_tables", "nf_conntrack"}},
		// So that a mount that a pod makes with Bidirectional is seen by the
		// others. It comes last: what is mounted before stays where it is.
		propagation{path: "/", flag: unix.MS_SHARED},
	)
}

// directory is a directory that shall be there.
type directory struct {
	path string
	mode os.FileMode
}

func (d directory) String() string { return "directory " + d.path }

func (d directory) Apply(context.Context) error {
	if err := os.MkdirAll(d.path, d.mode); err != nil {
		return fmt.Errorf("cannot make %s: %w", d.path, err)
	}
	return nil
}

// private is a directory that, if it is there, shall be for root alone.
type private struct{ path string }

func (p private) String() string { return p.path + " for root alone" }

func (p private) Apply(context.Context) error {
	if err := os.Chmod(p.path, 0o700); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot take the rights of others on %s away: %w", p.path, err)
	}
	return nil
}

// link is a symbolic link that shall lead to target.
type link struct{ path, target string }

func (l link) String() string { return "link " + l.path + " -> " + l.target }

func (l link) Apply(context.Context) error {
	if has, err := os.Readlink(l.path); err == nil && has == l.target {
		return nil
	}
	// Made beside it and renamed: there is always one.
	beside := filepath.Join(filepath.Dir(l.path), "."+filepath.Base(l.path)+".dnetinit")
	_ = os.Remove(beside)
	if err := os.Symlink(l.target, beside); err != nil {
		return fmt.Errorf("cannot link %s to %s: %w", l.path, l.target, err)
	}
	if err := os.Rename(beside, l.path); err != nil {
		_ = os.Remove(beside)
		return fmt.Errorf("cannot link %s to %s: %w", l.path, l.target, err)
	}
	return nil
}
