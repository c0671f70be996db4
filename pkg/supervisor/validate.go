package supervisor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// rows turns the graph's declarations into the board's first rows and returns
// an error for every name that is empty, used twice or needed but not there,
// and for a cycle.
func (g Graph) rows() ([]Status, error) {
	var rows []Status
	for _, p := range g.Phases {
		rows = append(rows, Status{Name: p.Name, Kind: KindPhase, Summary: p.Summary, Needs: p.Needs})
	}
	for _, s := range g.Services {
		needs := s.Needs
		if s.Defer != "" {
			needs = append(slices.Clone(needs), s.Defer)
		}
		rows = append(rows, Status{Name: s.Name, Kind: KindService, Summary: s.Summary, Needs: needs})
	}
	for _, m := range g.Milestones {
		rows = append(rows, Status{Name: m.Name, Kind: KindMilestone, Summary: m.Summary, Needs: m.Needs})
	}

	var errs []error
	known := map[string]Kind{}
	for _, r := range rows {
		if r.Name == "" {
			errs = append(errs, fmt.Errorf("a %s without a name (%q): give it one", r.Kind, r.Summary))
		} else if kind, twice := known[r.Name]; twice {
			errs = append(errs, fmt.Errorf("%s %q: there is a %s of that name already; names are unique among all units", r.Kind, r.Name, kind))
		}
		known[r.Name] = r.Kind
	}
	for _, r := range rows {
		for _, need := range r.Needs {
			if _, there := known[need]; !there {
				errs = append(errs, fmt.Errorf("%s %q needs %q, which no phase, service or milestone is called", r.Kind, r.Name, need))
			}
		}
	}
	if len(errs) == 0 {
		if cycle := findCycle(rows); cycle != nil {
			errs = append(errs, fmt.Errorf("units that need each other, so that none could start: %s", strings.Join(cycle, " → ")))
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("cannot build the boot graph: %w", errors.Join(errs...))
	}
	return rows, nil
}

// findCycle returns the names along one cycle, the first repeated at the end,
// or nil if there is none.
func findCycle(rows []Status) []string {
	needs := map[string][]string{}
	for _, r := range rows {
		needs[r.Name] = r.Needs
	}
	done := map[string]bool{}
	var path []string
	var visit func(string) []string
	visit = func(name string) []string {
		if i := slices.Index(path, name); i >= 0 {
			return append(slices.Clone(path[i:]), name)
		}
		if done[name] {
			return nil
		}
		path = append(path, name)
		for _, need := range needs[name] {
			if cycle := visit(need); cycle != nil {
				return cycle
			}
		}
		path = path[:len(path)-1]
		done[name] = true
		return nil
	}
	for _, r := range rows {
		if cycle := visit(r.Name); cycle != nil {
			return cycle
		}
	}
	return nil
}
