package boot

import (
	"slices"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// without is g without the units called names, which nothing needs any more.
func without(g supervisor.Graph, names []string) supervisor.Graph {
	out := func(name string) bool { return slices.Contains(names, name) }
	var left supervisor.Graph
	for _, p := range g.Phases {
		if !out(p.Name) {
			p.Needs = slices.DeleteFunc(slices.Clone(p.Needs), out)
			left.Phases = append(left.Phases, p)
		}
	}
	for _, s := range g.Services {
		if !out(s.Name) {
			s.Needs = slices.DeleteFunc(slices.Clone(s.Needs), out)
			left.Services = append(left.Services, s)
		}
	}
	for _, m := range g.Milestones {
		if !out(m.Name) {
			m.Needs = slices.DeleteFunc(slices.Clone(m.Needs), out)
			left.Milestones = append(left.Milestones, m)
		}
	}
	return left
}
