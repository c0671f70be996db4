package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"
)

// Kill kills every process of the group and of the groups below it, and
// returns once they are gone (their zombies may still wait for the reaper) or
// when ctx ends, then with an error that lists who is left.
func (g *Group) Kill(ctx context.Context) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		if err := g.killAll(); err != nil {
			return fmt.Errorf("cannot kill cgroup %s: %w", g.Path, err)
		}
		left := g.Procs()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot kill cgroup %s: the processes %v do not end: %w", g.Path, left, context.Cause(ctx))
		case <-time.After(wait):
		}
	}
}

// killAll kills what is in the group now. Once is not always enough: on v1
// without a freezer a process can fork while the list is walked, and a
// container's processes can be in a freezer group of their own.
func (g *Group) killAll() error {
	if g.unified {
		err := write(filepath.Join(g.dirs[0], "cgroup.kill"), "1")
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		// Before Linux 5.14.
		g.freeze("cgroup.freeze", "1")
		defer g.freeze("cgroup.freeze", "0")
		return g.signalAll()
	}
	// A frozen process dies once it is thawed, and can't fork before.
	g.freeze("freezer.state", "FROZEN")
	defer g.freeze("freezer.state", "THAWED")
	return g.signalAll()
}

// freeze writes to the freezer's file of the group and of all below it, as a
// child that was frozen by itself is not thawed with its parent. Nothing
// depends on it: without a freezer it only takes more rounds.
func (g *Group) freeze(file, value string) {
	for _, dir := range subgroups(g.dirs[0]) {
		_ = write(filepath.Join(dir, file), value)
	}
}

func (g *Group) signalAll() error {
	var errs []error
	for _, pid := range g.Procs() {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, fmt.Errorf("cannot send SIGKILL to process %d: %w", pid, err))
		}
	}
	return errors.Join(errs...)
}
