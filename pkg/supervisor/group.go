package supervisor

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/reaper"
)

// Group is the cgroup of a service.
type Group interface {
	// Place makes a process that is started with spec begin its life in the group.
	Place(spec *reaper.Spec)
	// Kill kills every process in the group and returns when it is empty.
	Kill(ctx context.Context) error
	// Contains reports whether a process is in the group.
	Contains(pid int) bool
	// Usage is what the group uses: CPU seconds in all, and bytes of memory now.
	Usage() (cpuSeconds float64, memoryBytes uint64)
	// OOMKills counts the processes of the group that the kernel killed for
	// want of memory.
	OOMKills() uint64
	// LimitMemory bounds what the group may use; 0 lifts the bound.
	LimitMemory(bytes uint64) error
}

// enterGroup makes the service's cgroup at its first start, and places the
// process to be started in it.
func (s *service) enterGroup(spec *reaper.Spec) error {
	if s.options.Groups == nil {
		return nil
	}
	if s.group.Load() == nil {
		g, err := s.options.Groups(s.Name)
		if err != nil {
			return fmt.Errorf("cannot make its cgroup: %w", err)
		}
		s.group.Store(&g)
	}
	(*s.group.Load()).Place(spec)
	return nil
}

// killGroup kills what is left in the service's cgroup.
func (s *service) killGroup() {
	g := s.group.Load()
	if g == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), killBudget)
	defer cancel()
	if err := (*g).Kill(ctx); err != nil {
		s.options.Log.Error("cannot empty the cgroup", zap.String("service", s.Name), zap.Error(err))
	}
}

func (s *service) oomKills() uint64 {
	if g := s.group.Load(); g != nil {
		return (*g).OOMKills()
	}
	return 0
}

// usage is zero for a service that has not started or has no cgroup.
func (s *service) usage() (cpuSeconds float64, memoryBytes uint64) {
	if g := s.group.Load(); g != nil {
		return (*g).Usage()
	}
	return 0, 0
}
