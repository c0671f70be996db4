package supervisor

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"go.uber.org/zap"
)

// Chaos is harm that is done to a service on purpose, so that a user sees how
// an application lives with it.
type Chaos string

// The kinds of chaos. Each meets every process that the service has while it
// lasts: a service that is restarted meanwhile is harmed again.
const (
	ChaosKill   Chaos = "kill"   // SIGKILL
	ChaosFreeze Chaos = "freeze" // SIGSTOP, and SIGCONT at the end
	ChaosSlow   Chaos = "slow"   // both in turn: it runs a fifth of the time
	ChaosOOM    Chaos = "oom"    // its cgroup runs out of memory
)

// Chaoses lists all kinds.
func Chaoses() []Chaos { return []Chaos{ChaosKill, ChaosFreeze, ChaosSlow, ChaosOOM} }

// Kills reports whether the kind ends processes; then once is a length, too.
func (c Chaos) Kills() bool { return c == ChaosKill || c == ChaosOOM }

// harm does it to one process.
func (c Chaos) harm(ctx context.Context, s *service, p *process) error {
	switch c {
	case ChaosKill:
		return p.Signal(syscall.SIGKILL)
	case ChaosFreeze:
		return p.Signal(syscall.SIGSTOP)
	case ChaosSlow:
		return s.slow(ctx, p)
	case ChaosOOM:
		return s.runOutOfMemory(ctx, p)
	}
	return fmt.Errorf("there is no such chaos; there are %v", Chaoses())
}

// LongestChaos bounds all chaos.
const LongestChaos = time.Hour

// errStopping ends chaos early.
var errStopping = errors.New("everything is being stopped")

// Chaos harms a service for as long as it is told to, and returns when that is
// over. At the end, which comes early if ctx ends or everything is stopped, the
// harm is undone. A length of 0 means once, for the kinds that kill. Whether a
// user may do this is the caller's to decide.
func (s *Supervisor) Chaos(ctx context.Context, service string, c Chaos, length time.Duration) error {
	svc, ok := s.services[service]
	if !ok {
		return s.unknown(service)
	}
	if err := svc.chaos(ctx, c, length); err != nil {
		return fmt.Errorf("cannot %s %s: %w", c, service, err)
	}
	row, _ := s.board.row(service)
	if c.Kills() && length > 0 && (row.State == Backoff || row.State == Degraded) {
		s.try(service)
	}
	return nil
}

// try lets a service that waits for its next try have it at once.
func (s *Supervisor) try(service string) {
	u := s.units[service]
	c := command{do: evStart, reply: make(chan error, 1)}
	for {
		changed := s.board.changed()
		if row, _ := s.board.row(service); row.State == Stopped || s.board.isStopping() {
			return
		}
		select {
		case u.commands <- c:
			return
		case <-changed:
		}
	}
}

func (s *service) chaos(ctx context.Context, c Chaos, length time.Duration) error {
	switch {
	case length < 0 || length > LongestChaos:
		return fmt.Errorf("for %s: the longest is %s", length, LongestChaos)
	case length == 0 && !c.Kills():
		return errors.New("for how long?")
	case length == 0 && s.current.Load() == nil:
		return errors.New("it has no process")
	case !s.harmed.TryLock():
		row, _ := s.board.row(s.Name)
		return fmt.Errorf("it is harmed already: %s", row.Chaos)
	}
	defer s.harmed.Unlock()
	told := string(c)
	if length > 0 {
		told += fmt.Sprintf(" for %s", length)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, length)
		defer cancel()
	}
	s.options.Log.Warn("chaos begins", zap.String("service", s.Name), zap.String("chaos", told))
	s.board.update(s.Name, func(row *Status) { row.Chaos = told })
	defer func() {
		if p := s.current.Load(); p != nil && !c.Kills() {
			_ = p.Signal(syscall.SIGCONT) // it may have exited
		}
		s.board.update(s.Name, func(row *Status) { row.Chaos = "" })
		s.options.Log.Warn("chaos is over", zap.String("service", s.Name), zap.String("chaos", told))
	}()
	var last *process
	for {
		changed := s.board.changed()
		if s.board.isStopping() {
			return errStopping
		}
		if p := s.current.Load(); p != nil && p != last {
			last = p
			if err := c.harm(ctx, s, p); err != nil && !p.exited() {
				return err
			}
			if length == 0 {
				return nil
			}
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}
