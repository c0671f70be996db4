package reaper

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a child that [Reaper.Start] started.
type Process struct {
	pid  int
	done chan struct{}

	// mu is held while the process is reaped and while it is signalled, so
	// that a signal never meets another process that got the same pid.
	mu   sync.Mutex
	exit Exit
}

// PID returns the process id. It says nothing once the process has exited.
func (p *Process) PID() int { return p.pid }

// Done is closed when the process has exited and its status is known.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit tells how the process ended. It is the zero Exit before Done.
func (p *Process) Exit() Exit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exit
}

// Signal sends sig to the process, and to it alone. The error is
// [os.ErrProcessDone] if it has exited and been reaped.
func (p *Process) Signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
	}
	if err := unix.Kill(p.pid, sig); err != nil {
		return fmt.Errorf("cannot send %s to process %d: %w", signalName(sig), p.pid, err)
	}
	return nil
}

// Exit is how a process ended.
type Exit struct {
	Code       int            // the exit status; -1 if a signal killed it
	Signal     syscall.Signal // the signal that killed it, or 0
	CoreDumped bool
	At         time.Time // when it was reaped

	// CPU time of the process and of the children that it waited for.
	UserTime, SystemTime time.Duration
}

// Success is true for exit status 0.
func (e Exit) Success() bool { return e.Code == 0 && e.Signal == 0 }

// String says how it ended, as in "exit status 1" or "killed by SIGKILL".
func (e Exit) String() string {
	switch {
	case e.Signal == 0:
		return fmt.Sprintf("exit status %d", e.Code)
	case e.CoreDumped:
		return fmt.Sprintf("killed by %s (core dumped)", signalName(e.Signal))
	default:
		return "killed by " + signalName(e.Signal)
	}
}

// exitOf reads what wait4 returned for a process that was waited for without
// WUNTRACED: it exited or was killed.
func exitOf(status syscall.WaitStatus, usage syscall.Rusage, at time.Time) Exit {
	e := Exit{
		Code:       -1,
		At:         at,
		UserTime:   time.Duration(usage.Utime.Nano()),
		SystemTime: time.Duration(usage.Stime.Nano()),
	}
	if status.Exited() {
		e.Code = status.ExitStatus()
	} else {
		e.Signal = status.Signal()
		e.CoreDumped = status.CoreDump()
	}
	return e
}

func signalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return name
	}
	return fmt.Sprintf("signal %d", int(sig)) // real-time signals have no name
}
