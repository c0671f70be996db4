package boot

import (
	"slices"

	"github.com/lyft/dockernetes/internal/cgroup"
	"github.com/lyft/dockernetes/internal/reaper"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Groups returns what makes the cgroup of each service. The tree is looked at
// when the first service starts, as a phase has to prepare it before.
func Groups() func(service string) (supervisor.Group, error) {
	return func(service string) (supervisor.Group, error) {
		tree, err := cgroup.Detect()
		if err != nil {
			return nil, err
		}
		g, err := tree.New(service)
		if err != nil {
			return nil, err
		}
		return group{g}, nil
	}
}

// group is a cgroup as the supervisor wants it.
type group struct{ *cgroup.Group }

// Place makes the process begin in the group: on v2 by CLONE_INTO_CGROUP, on
// v1 by the thread that forks it.
func (g group) Place(spec *reaper.Spec) {
	spec.CgroupFD = g.FD()
	spec.Cgroups = g.Dirs()
}

// Contains reports whether a process is in the group or in one below it.
func (g group) Contains(pid int) bool { return slices.Contains(g.Procs(), pid) }

// Usage is the CPU time in all, and the memory now.
func (g group) Usage() (cpuSeconds float64, memoryBytes uint64) {
	s := g.Stats()
	return s.CPUSeconds, s.MemoryBytes
}

// OOMKills counts the processes that were killed for want of memory.
func (g group) OOMKills() uint64 { return g.Stats().OOMKills }
