package reaper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// tick is how often zombies are looked for without a SIGCHLD. Signals of the
// same number coalesce, and a /proc that could not be read is to be read again.
const tick = time.Second

// Reaper reaps the children of this process. Make one with [New], and only one
// in a process.
type Reaper struct {
	log *zap.Logger

	// mu makes starting and reaping exclude each other: a child that exits
	// before Start has noted its pid would be taken for an orphan, and its
	// status thrown away.
	mu      sync.Mutex
	started map[int]*Process // by pid; those not reaped yet

	// pidfds is true if os/exec marks its children with a pidfd, which tells
	// them apart from orphans in our own process group. Linux 5.4 is needed.
	pidfds bool

	orphans atomic.Uint64
}

// New returns a Reaper. Nothing is reaped before [Reaper.Run].
//
// Signals that this process ignores because whoever started it did are set
// back to their default, as children would inherit it. A program that wants to
// be spared a signal must catch it: caught ones are at their default in a
// child.
func New(log *zap.Logger) *Reaper {
	unignoreSignals()
	return &Reaper{
		log:     log,
		started: map[int]*Process{},
		pidfds:  pidfdsShownInProc(),
	}
}

// Run reaps until ctx ends and then returns nil. It may be called once.
func (r *Reaper) Run(ctx context.Context) error {
	// One place is enough: what is signalled while a sweep runs leaves one
	// value behind, and with it another sweep.
	children := make(chan os.Signal, 1)
	signal.Notify(children, unix.SIGCHLD)
	defer signal.Stop(children)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		if err := r.sweep(); err != nil {
			r.log.Warn("cannot reap all children, trying again", zap.Error(err))
		}
		select {
		case <-children:
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Orphans returns how many children were reaped that nobody here had started.
func (r *Reaper) Orphans() uint64 { return r.orphans.Load() }

// sweep reaps every zombie that is ours to reap.
func (r *Reaper) sweep() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		pid, err := peek(unix.P_ALL, 0)
		if err != nil {
			return fmt.Errorf("cannot look for exited children: %w", err)
		}
		if pid == 0 {
			return nil
		}
		if r.started[pid] == nil && inOwnGroup(pid) {
			// The kernel shows the same zombie again and again until it is
			// taken. os/exec may take its time, so look behind this one.
			return r.sweepEach()
		}
		if err := r.reap(pid); err != nil {
			return err
		}
	}
}

// sweepEach does what sweep does, but child by child. It is slower (one system
// call for each process of the container), but no zombie hides another.
func (r *Reaper) sweepEach() error {
	pids, err := allProcesses()
	if err != nil {
		return err
	}
	var inGroup []int
	for _, pid := range pids {
		zombie, err := peek(unix.P_PID, pid)
		if err != nil || zombie == 0 {
			continue // not a child of ours, or it is alive
		}
		if r.started[pid] == nil && inOwnGroup(pid) {
			inGroup = append(inGroup, pid)
			continue
		}
		if err := r.reap(pid); err != nil {
			return err
		}
	}
	if len(inGroup) == 0 || !r.pidfds {
		return nil
	}
	// What is left belongs to os/exec, unless it was left behind by a child of
	// os/exec: then no descriptor of ours refers to it.
	waitedFor, err := ownPidfds()
	if err != nil {
		return err
	}
	for _, pid := range inGroup {
		if waitedFor[pid] {
			continue
		}
		if err := r.reap(pid); err != nil {
			return err
		}
	}
	return nil
}

// reap takes the status of the zombie pid and hands it to the process that it
// belongs to, if any.
func (r *Reaper) reap(pid int) error {
	p := r.started[pid]
	if p != nil {
		// From here to the note that it is dead, its pid may become another's.
		p.mu.Lock()
		defer p.mu.Unlock()
	}
	var status syscall.WaitStatus
	var usage syscall.Rusage
	got, err := wait4(pid, &status, &usage)
	if errors.Is(err, unix.ECHILD) && p == nil {
		return nil // os/exec was faster
	}
	if err != nil {
		return fmt.Errorf("cannot wait for process %d: %w", pid, err)
	}
	if got == 0 {
		return nil // another process by now, and alive
	}
	exit := exitOf(status, usage, time.Now())
	if p == nil {
		r.orphans.Add(1)
		r.log.Debug("reaped an orphan", zap.Int("pid", pid), zap.Stringer("exit", exit))
		return nil
	}
	delete(r.started, pid)
	p.exit = exit
	close(p.done)
	return nil
}

func wait4(pid int, status *syscall.WaitStatus, usage *syscall.Rusage) (int, error) {
	for {
		got, err := syscall.Wait4(pid, status, syscall.WNOHANG, usage)
		if err != syscall.EINTR {
			return got, err
		}
	}
}
