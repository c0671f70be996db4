package phases

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/moby/sys/mountinfo"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/internal/cgroup"
)

// Sweep removes what an earlier run of this container left when it had no time
// to clean up: `docker kill`, a host that crashed. It runs before any service
// and while nothing of Kubernetes is alive, so everything that it knows is stale.
//
// What the services clean up themselves at their start is not in it.
func Sweep(log *zap.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		if tree, err := cgroup.Detect(); err == nil {
			tree.Sweep()
		}
		return apply(ctx, log, sweepSteps("/")...)
	}
}

func sweepSteps(root string) []step {
	at := func(path string) string { return filepath.Join(root, path) }
	return []step{
		// Mounts of pods and network namespaces that outlived their processes.
		optional{noMountsBelow{at("/var/lib/kubelet/pods")}},
		optional{noMountsBelow{at("/run/containerd")}},
		optional{noMountsBelow{at("/run/netns")}},
		optional{noMountsBelow{at("/run/docker/netns")}},
		gone{at("/run/netns/*"), anyFile},
		gone{at("/run/docker/netns/*"), anyFile},

		// A pid file whose number somebody else has by now keeps dockerd from
		// starting.
		gone{at("/run/docker.pid"), fs.FileMode.IsRegular},
		gone{at("/run/containerd/containerd.pid"), fs.FileMode.IsRegular},
		gone{at("/run/docker/containerd/*.pid"), fs.FileMode.IsRegular},

		// Sockets that nobody listens on: their clients should wait for a new
		// one rather than be refused. PID 1's own sockets are not in the list.
		gone{at("/run/containerd/*.sock*"), isSocket},
		gone{at("/run/containerd/s/*"), isSocket},
		gone{at("/run/docker/metrics.sock"), isSocket},
		gone{at("/var/lib/kubelet/plugins_registry/*.sock"), isSocket},
		gone{at("/var/lib/kubelet/device-plugins/*.sock"), isSocket},
		gone{at("/var/lib/kubelet/pod-resources/*.sock"), isSocket},

		// The addresses of pods whose sandbox is gone. The lock file and the
		// last address that was given out stay, so that the next pod does not
		// get an address that somebody may still remember.
		gone{at("/run/cni/*/*.*.*.*"), isLease},
		gone{at("/run/cni/*/*:*"), isLease},
		gone{at("/var/lib/cni/networks/*/*.*.*.*"), isLease},
		gone{at("/var/lib/cni/networks/*/*:*"), isLease},
	}
}

func anyFile(fs.FileMode) bool       { return true }
func isSocket(mode fs.FileMode) bool { return mode.Type() == fs.ModeSocket }
func isLease(mode fs.FileMode) bool  { return mode.IsRegular() }

// gone is what shall not be there: the files of a pattern that are of a kind.
type gone struct {
	pattern string
	kind    func(fs.FileMode) bool
}

func (g gone) String() string { return "no " + g.pattern }

func (g gone) Apply(context.Context) error {
	paths, err := filepath.Glob(g.pattern)
	if err != nil {
		return fmt.Errorf("cannot look for %s: %w", g.pattern, err)
	}
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil || info.IsDir() || !g.kind(info.Mode()) {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove the stale %s: %w", path, err)
		}
	}
	return nil
}

// noMountsBelow is a directory below which nothing shall be mounted.
type noMountsBelow struct{ dir string }

func (n noMountsBelow) String() string { return "no mounts below " + n.dir }

func (n noMountsBelow) Apply(context.Context) error {
	infos, err := mountinfo.GetMounts(mountinfo.PrefixFilter(n.dir))
	if err != nil {
		return fmt.Errorf("cannot list the mounts below %s: %w", n.dir, err)
	}
	// The later a mount is in the list, the higher it is on the pile.
	for _, m := range slices.Backward(infos) {
		if m.Mountpoint == n.dir {
			continue
		}
		if err := unix.Unmount(m.Mountpoint, unix.MNT_DETACH); err != nil && err != unix.EINVAL {
			return fmt.Errorf("cannot unmount the stale %s: %w", m.Mountpoint, err)
		}
	}
	return nil
}
