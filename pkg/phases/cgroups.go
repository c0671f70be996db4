package phases

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/internal/cgroup"
)

// Cgroups makes the container's own cgroup the one that everybody finds at
// /sys/fs/cgroup, and fit for children. It wants the mounts to be writable.
func Cgroups(log *zap.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		tree, err := cgroup.Detect()
		if err != nil {
			// An engine without cgroups; the kernel may have v2 all the same.
			v2 := mountPoint{path: "/sys/fs/cgroup", fstype: "cgroup2", flags: unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC}
			if merr := v2.Apply(ctx); merr != nil {
				return fmt.Errorf("%w; %w", err, merr)
			}
			if tree, err = cgroup.Detect(); err != nil {
				return err
			}
		}
		for _, h := range unscoped(tree) {
			log.Warn("the engine made no cgroup for this container here; what Kubernetes makes will be the host's",
				zap.Stringer("hierarchy", h), zap.String("path", h.Mount))
		}
		if err := apply(ctx, log, cgroupSteps(tree)...); err != nil {
			return err
		}
		if tree, err = cgroup.Detect(); err != nil {
			return err
		}
		refused, err := tree.Prepare(ctx)
		for controller, err := range refused {
			log.Warn("a cgroup controller is missing", zap.String("controller", controller), zap.Error(err))
		}
		if err == nil {
			log.Info("cgroups", zap.String("mode", string(tree.Mode)), zap.Strings("controllers", tree.Controllers()))
		}
		return err
	}
}

// kept are the v1 controllers that the kubelet or runc can't do without. They
// stay even where they lead to the host's root.
var kept = []string{"cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer"}

// anyScoped tells if the engine made a cgroup for this container anywhere. If
// it made none, the cgroups are the machine's and there is nothing to mend.
func anyScoped(t *cgroup.Tree) bool {
	return slices.ContainsFunc(t.Hierarchies, func(h cgroup.Hierarchy) bool { return h.Scoped })
}

func isKept(h cgroup.Hierarchy) bool {
	return slices.ContainsFunc(h.Controllers, func(c string) bool { return slices.Contains(kept, c) })
}

// unscoped lists the hierarchies that lead to the host and have to stay.
func unscoped(t *cgroup.Tree) []cgroup.Hierarchy {
	var hs []cgroup.Hierarchy
	for _, h := range t.Hierarchies {
		if anyScoped(t) && !h.Scoped && !h.Unified && isKept(h) {
			hs = append(hs, h)
		}
	}
	return hs
}

// cgroupSteps is what has to be mounted, unmounted and linked.
func cgroupSteps(t *cgroup.Tree) []step {
	var steps []step
	if !anyScoped(t) {
		return nil
	}
	for _, h := range t.Hierarchies {
		if h.Unified && t.Mode != cgroup.V2 {
			continue // nobody makes groups in it
		}
		if !h.Scoped {
			// The kubelet and runc make groups in whatever is mounted. What they
			// made here would outlive the container.
			if !h.Unified && !isKept(h) {
				steps = append(steps, optional{unmounted{h.Mount}})
			}
			continue
		}
		rel, err := filepath.Rel(h.Mount, h.Dir)
		if err != nil {
			continue
		}
		if rel != "." {
			// The mount shows the host's whole hierarchy (--cgroupns=host).
			steps = append(steps, bound{h.Dir, h.Mount, false})
		}
		if own := filepath.Join(h.Root, rel); own != "/" {
			// Without a cgroup namespace /proc/PID/cgroup has the host's paths.
			// containerd looks for these below the mount.
			steps = append(steps, bound{h.Mount, filepath.Join(h.Mount, own), true})
		}
		steps = append(steps, aliases(h)...)
	}
	return steps
}

// aliases are the links by which one controller of several that are mounted
// together is found: cpu and cpuacct, both leading to cpu,cpuacct.
func aliases(h cgroup.Hierarchy) []step {
	var steps []step
	for _, c := range h.Controllers {
		path := filepath.Join(filepath.Dir(h.Mount), strings.TrimPrefix(c, "name="))
		if h.Unified || len(h.Controllers) < 2 || path == h.Mount {
			continue
		}
		if info, err := os.Lstat(path); err == nil && info.IsDir() {
			continue // a mount of its own
		}
		steps = append(steps, optional{link{path, filepath.Base(h.Mount)}})
	}
	return steps
}

// bound is a directory that is seen in another place too.
type bound struct {
	from, to string
	// unlessMounted: what is mounted there already is it.
	unlessMounted bool
}

func (b bound) String() string { return fmt.Sprintf("%s bound to %s", b.from, b.to) }

func (b bound) Apply(context.Context) error {
	if mounted, err := mountinfo.Mounted(b.to); mounted && err == nil && b.unlessMounted {
		return nil
	}
	return bind(b.from, b.to, 0)
}

// unmounted is a place where nothing shall be mounted.
type unmounted struct{ path string }

func (u unmounted) String() string { return "nothing on " + u.path }

func (u unmounted) Apply(context.Context) error {
	if err := unix.Unmount(u.path, unix.MNT_DETACH); err != nil && err != unix.EINVAL {
		return fmt.Errorf("cannot unmount %s: %w", u.path, err)
	}
	return nil
}
