package faults

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/internal/cgroup"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// cgroupsVariable tells PID 1 which cgroups it is to live in.
const cgroupsVariable = "FAULTS_CGROUPS"

// wanted are the v1 controllers that a container is given a group of here.
var wanted = []string{"freezer", "name=systemd", "pids", "memory", "cpuacct", "cpu"}

// hierarchy is one group for a machine: its controllers as a mount option, ""
// on v2, and its directory.
type hierarchy struct{ controllers, dir string }

// cgroups are the groups of one machine, as an engine makes them for a
// container.
type cgroups []hierarchy

var groupsMade atomic.Int64

// makeCgroups makes groups for a machine; they must be empty at the end of the
// test, and are removed.
func makeCgroups(t testing.TB) cgroups {
	t.Helper()
	need(t, namespaces())
	groups, err := newCgroups(fmt.Sprintf("dnetinit-faults-%d-%d", os.Getpid(), groupsMade.Add(1)))
	t.Cleanup(func() { groups.remove(t) })
	if err != nil {
		need(t, fmt.Errorf("needs cgroups that can be written: %w", err))
	}
	return groups
}

func newCgroups(name string) (groups cgroups, err error) {
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup", "cgroup2"))
	if err != nil {
		return nil, err
	}
	v1 := slices.ContainsFunc(mounts, func(m *mountinfo.Info) bool { return m.FSType == "cgroup" })
	for _, m := range mounts {
		controllers := controllersOf(m)
		if v1 && controllers == "" {
			continue
		}
		h := hierarchy{controllers, filepath.Join(m.Mountpoint, name)}
		if !v1 { // what the children of the root may use, where the machine's own init has not said so
			_ = os.WriteFile(filepath.Join(m.Mountpoint, "cgroup.subtree_control"), []byte("+memory +pids +cpu"), 0)
		}
		if err := os.Mkdir(h.dir, 0o755); err != nil {
			return groups, err
		}
		groups = append(groups, h)
	}
	if len(groups) == 0 {
		return nil, errors.New("no cgroups are mounted")
	}
	return groups, nil
}

// controllersOf names the controllers of a v1 mount, all of them if we want one.
func controllersOf(m *mountinfo.Info) string {
	if m.FSType != "cgroup" {
		return ""
	}
	named := func(o string) bool {
		return slices.Contains([]string{"freezer", "pids", "memory", "cpuacct", "cpu", "cpuset", "blkio", "devices"}, o) || strings.HasPrefix(o, "name=")
	}
	options := slices.DeleteFunc(strings.Split(m.VFSOptions, ","), func(o string) bool { return !named(o) })
	if !slices.ContainsFunc(options, func(o string) bool { return slices.Contains(wanted, o) }) {
		return ""
	}
	return strings.Join(options, ",")
}

// setting is what makes PID 1 live in the groups.
func (c cgroups) setting() string {
	var words []string
	for _, h := range c {
		words = append(words, h.controllers+"@"+h.dir)
	}
	return cgroupsVariable + "=" + strings.Join(words, ";")
}

// file is a file of the group of a service; the test ends where there is none.
func (c cgroups) file(t testing.TB, service, name string) string {
	t.Helper()
	for _, h := range c {
		path := filepath.Join(h.dir, "dnetinit", service, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	need(t, fmt.Errorf("needs a cgroup with %s", name))
	return ""
}

// processes lists the processes of a service's group.
func (c cgroups) processes(t testing.TB, service string) []string {
	t.Helper()
	text, err := os.ReadFile(c.file(t, service, "cgroup.procs"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// remove removes the groups, in which nothing may be left.
func (c cgroups) remove(t testing.TB) {
	for _, h := range c {
		var dirs []string
		_ = filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			until(t, "the cgroup "+dir+" can be removed", func() bool { return syscall.Rmdir(dir) == nil })
		}
	}
}

// enterCgroups makes PID 1 live in the groups that it is given, and sees them
// as a container does. It returns what makes those of services, or nil.
func enterCgroups() (func(string) (supervisor.Group, error), error) {
	const second = "FAULTS_MOUNT_CGROUPS"
	if told, ok := os.LookupEnv(cgroupsVariable); ok {
		for word := range strings.SplitSeq(told, ";") {
			_, dir, _ := strings.Cut(word, "@")
			if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0); err != nil {
				return nil, err
			}
		}
		os.Unsetenv(cgroupsVariable)
		os.Setenv(second, told)
	}
	// The program begins anew in a namespace of cgroups, if it is in any.
	told, ok := os.LookupEnv(second)
	if !ok {
		return nil, nil
	}
	if err := cgroup.EnterNamespace(); err != nil {
		return nil, err
	}
	os.Unsetenv(second)
	if err := mountCgroups(strings.Split(told, ";")); err != nil {
		return nil, err
	}
	tree, err := prepared()
	if err != nil {
		return nil, err
	}
	return groupsOf(tree), nil
}

// mountCgroups mounts the hierarchies as this namespace sees them.
func mountCgroups(words []string) error {
	const place = "/sys/fs/cgroup"
	if strings.HasPrefix(words[0], "@") {
		return unix.Mount("cgroup", place, "cgroup2", 0, "")
	}
	if err := unix.Mount("cgroup", place, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for _, word := range words {
		controllers, _, _ := strings.Cut(word, "@")
		dir := filepath.Join(place, strings.TrimPrefix(controllers, "name="))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("cgroup", dir, "cgroup", 0, controllers); err != nil {
			return fmt.Errorf("cannot mount the cgroups of %s: %w", controllers, err)
		}
	}
	return nil
}
