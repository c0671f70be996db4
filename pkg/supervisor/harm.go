package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/lyft/dockernetes/internal/reaper"
)

// A slow service stands still for slowStop of each slowPeriod.
const (
	slowPeriod = 250 * time.Millisecond
	slowStop   = 200 * time.Millisecond
)

// slow lets a process run for a part of the time only, until ctx ends, the
// process exits or everything is stopped.
func (s *service) slow(ctx context.Context, p *process) error {
	for !s.board.isStopping() {
		for _, step := range []struct {
			signal syscall.Signal
			length time.Duration
		}{{syscall.SIGSTOP, slowStop}, {syscall.SIGCONT, slowPeriod - slowStop}} {
			if err := p.Signal(step.signal); err != nil {
				return err
			}
			select {
			case <-time.After(step.length):
			case <-p.Done():
				return nil
			case <-ctx.Done():
				return nil
			}
		}
	}
	return nil
}

// The room that a service has before its memory is over, and how long it may
// take until the kernel has killed it.
const (
	oomRoom   = 8 << 20
	oomBudget = 10 * time.Second
)

// runOutOfMemory makes the kernel kill a process for want of memory: its cgroup
// is given hardly more than it uses, something in it wants more than that, and
// the process is the first that the kernel looks at.
func (s *service) runOutOfMemory(ctx context.Context, p *process) error {
	g := s.group.Load()
	if g == nil {
		return errors.New("it has no cgroup")
	}
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", p.PID()), []byte("1000"), 0); err != nil {
		return err
	}
	_, used := (*g).Usage()
	if err := (*g).LimitMemory(used + oomRoom); err != nil {
		return err
	}
	defer func() { _ = (*g).LimitMemory(0) }()
	// Its buffer alone is more than there is, so that page cache is no way out.
	spec := reaper.Spec{Path: "dd", Args: []string{"dd", "if=/dev/zero", "of=/dev/null", "count=1", fmt.Sprintf("bs=%d", used+2*oomRoom)}}
	(*g).Place(&spec)
	eater, err := s.options.Reaper.Start(spec)
	if err != nil {
		return err
	}
	defer func() {
		_ = eater.Signal(syscall.SIGKILL) // it may have been killed already
		<-eater.Done()
	}()
	select {
	case <-p.Done():
		return nil
	case <-eater.Done():
		// It lets go when the other is gone, but its end may be seen before.
	case <-ctx.Done():
		return nil
	}
	select {
	case <-p.Done():
		return nil
	case <-time.After(oomBudget):
		return fmt.Errorf("the kernel has killed %s in its place: %s", spec.Path, eater.Exit())
	}
}
