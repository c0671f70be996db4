package cgroup

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// entered marks the second run of the program, so that there is no third.
const entered = "DNET_CGROUP_NAMESPACE=entered"

// EnterNamespace gives this process and all that it starts a cgroup namespace
// whose root is the container's own cgroup, where the engine gave none: always
// with --cgroupns=host, and by default on cgroup v1. Without it, programs find
// the host's paths in /proc/PID/cgroup; the kubelet's cAdvisor then looks for
// /kubepods where it is not, and complains every ten seconds.
//
// A namespace is entered by a thread, and Go's threads make one another. So
// the program is executed anew by the thread that entered: EnterNamespace does
// not return then. It is to be called first of all. Where the kernel refuses,
// the error is for the log: [Tree.Prepare] manages without.
func EnterNamespace() error {
	if slices.Contains(os.Environ(), entered) {
		return errors.Join(os.Unsetenv("DNET_CGROUP_NAMESPACE"), showNamespace())
	}
	paths, err := readPaths("/proc/self/cgroup")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(paths, func(p ownPath) bool { return p.path != "/" }) {
		return nil
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("cannot make a cgroup namespace: %w", err)
	}
	err = unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), entered))
	return fmt.Errorf("cannot execute /proc/self/exe: %w", err)
}

// showNamespace mounts cgroup v2 anew where the mount is from before the
// namespace: that one shows the host's whole hierarchy, in which our own group
// can't be found any more. On v1 engines mount only the container's own group.
func showNamespace() error {
	mounts, err := readMounts("/proc/self/mountinfo")
	if err != nil || !showsHost(mounts) {
		return err
	}
	if err := unix.Mount("cgroup2", place, "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("cannot mount cgroup2 on %s: %w", place, err)
	}
	return nil
}

// showsHost tells if what is mounted at the usual place is cgroup v2 from above
// the root of this namespace, which the kernel writes as "/.." and so on.
func showsHost(mounts []*mountinfo.Info) bool {
	shows := false
	for _, m := range mounts {
		if m.Mountpoint == place {
			// The last one hides the others.
			shows = m.FSType == "cgroup2" && (m.Root == "/.." || strings.HasPrefix(m.Root, "/../"))
		}
	}
	return shows
}
