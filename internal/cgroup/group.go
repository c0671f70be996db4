package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Group is the cgroup of one service: one directory on v2, one in each
// hierarchy on v1. Its methods may be called from several goroutines, Delete
// as the last.
type Group struct {
	Path string // below the container's own cgroup, such as /dnetinit/etcd

	unified bool
	dirs    []string
	file    *os.File // the open directory, on v2
}

// FD is a descriptor of the group's directory for CLONE_INTO_CGROUP, or 0 on
// v1, which has no such thing. It is valid until Delete.
func (g *Group) FD() int {
	if g.file == nil {
		return 0
	}
	return int(g.file.Fd())
}

// Dirs lists the group's directories on v1, in each of which a starting thread
// writes itself to the file tasks before it forks. On v2 it is empty: use FD.
func (g *Group) Dirs() []string {
	if g.unified {
		return nil
	}
	return slices.Clone(g.dirs)
}

// Add moves a running process into the group.
func (g *Group) Add(pid int) error {
	for _, dir := range g.dirs {
		if err := write(filepath.Join(dir, "cgroup.procs"), strconv.Itoa(pid)); err != nil {
			return fmt.Errorf("cannot move process %d to cgroup %s: %w", pid, dir, err)
		}
	}
	return nil
}

// Procs lists the processes of the group and of all groups below it, sorted.
// On v1 this process itself is left out: one of its threads is in the group
// while it starts a child.
func (g *Group) Procs() []int {
	var pids []int
	if len(g.dirs) == 0 {
		return nil
	}
	for _, dir := range subgroups(g.dirs[0]) {
		pids = append(pids, readPids(filepath.Join(dir, "cgroup.procs"))...)
	}
	slices.Sort(pids)
	pids = slices.Compact(pids)
	if !g.unified {
		self := os.Getpid()
		pids = slices.DeleteFunc(pids, func(pid int) bool { return pid == self })
	}
	return pids
}

// Delete removes the group with all below it. A group that still has
// processes is an error.
func (g *Group) Delete() error {
	var errs []error
	for _, dir := range g.dirs {
		if err := removeAll(dir); err != nil {
			errs = append(errs, fmt.Errorf("cannot remove cgroup %s: %w", dir, err))
		}
	}
	if g.file != nil {
		_ = g.file.Close()
		g.file = nil
	}
	return errors.Join(errs...)
}

// subgroups lists dir and every group below it, parents first.
func subgroups(dir string) []string {
	var dirs []string
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return filepath.SkipDir // it went away
		}
		if entry.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	return dirs
}

// removeAll removes a group and those below it. The kernel says EBUSY for a
// short while after the last process is gone, hence the tries: 0.25 s in all.
func removeAll(dir string) error {
	var err error
	for wait := time.Millisecond; wait < 256*time.Millisecond; wait *= 2 {
		err = nil
		for _, d := range slices.Backward(subgroups(dir)) {
			if e := syscall.Rmdir(d); e != nil && !errors.Is(e, fs.ErrNotExist) {
				err = e
			}
		}
		if !errors.Is(err, syscall.EBUSY) {
			return err
		}
		if pids := readPids(filepath.Join(dir, "cgroup.procs")); len(pids) > 0 {
			return fmt.Errorf("it still has the processes %v: %w", pids, err)
		}
		time.Sleep(wait)
	}
	return err
}
