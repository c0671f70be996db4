package cgroup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var errNotOurs = errors.New("the cgroup that this container sees is the host's root: give it one of its own (docker run --cgroupns=private)")

// patience is how long Prepare fights for the controllers: a `docker exec` that
// comes in puts its process into the group that has to be empty.
const patience = 10 * time.Second

// Prepare makes the container's own cgroup fit for children. On v2 it moves
// every process to the group "init" and enables all controllers for the
// children; it returns those that the kernel refused, each with the reason. On
// v1 it only fills cpusets that are empty. It may be called again at any time.
func (t *Tree) Prepare(ctx context.Context) (refused map[string]error, err error) {
	if t.Mode != V2 {
		return nil, t.fillCpuset()
	}
	h, ok := t.Unified()
	if !ok || !t.usable(h) {
		return nil, fmt.Errorf("cannot prepare the cgroups: %w", errNotOurs)
	}
	initDir := filepath.Join(h.Dir, initName)
	if err := os.MkdirAll(initDir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make cgroup %s: %w", initDir, err)
	}

	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	refused = map[string]error{}
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		if err := evacuate(h.Dir, initDir); err != nil {
			return nil, err
		}
		busy := false
		for _, c := range missingControllers(h.Dir) {
			err := enable(h.Dir, c)
			if busy = errors.Is(err, syscall.EBUSY); busy {
				break // somebody came in since
			}
			if err != nil {
				refused[c] = err
			}
		}
		if !busy {
			return refused, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("cannot enable the controllers %s in %s: processes %v stay in it: %w",
				strings.Join(missingControllers(h.Dir), " "), h.Dir, readPids(filepath.Join(h.Dir, "cgroup.procs")), context.Cause(ctx))
		case <-time.After(wait):
		}
	}
}

// evacuate moves every process of one group to another.
func evacuate(from, to string) error {
	for _, pid := range readPids(filepath.Join(from, "cgroup.procs")) {
		err := write(filepath.Join(to, "cgroup.procs"), strconv.Itoa(pid))
		// It may have ended, or be a kernel thread, which stays.
		if err != nil && !errors.Is(err, syscall.ESRCH) && !errors.Is(err, syscall.EINVAL) {
			return fmt.Errorf("cannot move process %d to cgroup %s: %w", pid, to, err)
		}
	}
	return nil
}

// threaded are the v2 controllers that a group with processes of its own may
// give to its children, by which it becomes the root of a threaded subtree. From
// then on the kernel refuses it all others, and no process can be moved to its
// children.
var threaded = []string{"cpu", "cpuset", "perf_event", "pids"}

// missingControllers lists those that dir has and its children don't, the
// threaded ones last: once another is on, no process can come into dir.
func missingControllers(dir string) []string {
	on := strings.Fields(readString(filepath.Join(dir, "cgroup.subtree_control")))
	var first, last []string
	for _, c := range strings.Fields(readString(filepath.Join(dir, "cgroup.controllers"))) {
		switch {
		case slices.Contains(on, c):
		case slices.Contains(threaded, c):
			last = append(last, c)
		default:
			first = append(first, c)
		}
	}
	return append(first, last...)
}

// enable gives one controller to the children of dir. They are written one by
// one, as the kernel takes all of a line or nothing.
func enable(dir, controller string) error {
	path := filepath.Join(dir, "cgroup.subtree_control")
	if err := write(path, "+"+controller); err != nil {
		return fmt.Errorf("cannot enable %s in %s: %w", controller, path, err)
	}
	return nil
}

// fillCpuset copies cpus and mems from the parent to each group from the mount
// down to ours that has none: no process can be put into such a group.
func (t *Tree) fillCpuset() error {
	h, ok := t.Controller("cpuset")
	if !ok || !t.usable(h) || h.ReadOnly {
		return nil
	}
	rel, err := filepath.Rel(h.Mount, h.Dir)
	if err != nil || rel == "." {
		return nil
	}
	dir := h.Mount
	for _, name := range strings.Split(rel, "/") {
		parent := dir
		dir = filepath.Join(dir, name)
		if err := CopyCpuset(parent, dir); err != nil {
			return err
		}
	}
	return nil
}

// CopyCpuset copies cpus and mems of a v1 cpuset group to a child that has
// none.
func CopyCpuset(parent, child string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		path := filepath.Join(child, file)
		value := readString(filepath.Join(parent, file))
		if readString(path) != "" || value == "" {
			continue
		}
		if err := write(path, value); err != nil {
			return fmt.Errorf("cannot write %s to %s: %w", value, path, err)
		}
	}
	return nil
}

// write writes a value with a single write, which is what a cgroup file wants,
// and never makes the file.
func write(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// readPids reads a list of processes. A 0 is a process of another pid
// namespace and is left out; so is everything if the group is gone.
func readPids(path string) []int {
	var pids []int
	for _, field := range strings.Fields(readString(path)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
