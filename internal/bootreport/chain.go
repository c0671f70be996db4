package bootreport

import (
	"fmt"
	"slices"
	"strings"
)

// Link is one unit of a chain.
type Link struct {
	Unit
	// After is the need that was ready last, for which the unit waited; ""
	// where it had none to wait for.
	After string `json:"after,omitempty"`
	// Waited is the time from the readiness of After, or from the record's
	// zero, until the unit began: time that no unit accounts for.
	Waited Offset `json:"waited"`
	// Took is the time from the beginning until it was ready, or until now.
	Took Offset `json:"took"`
	// Cores is how many CPUs the container had in use meanwhile.
	Cores float64 `json:"cores"`
}

// Chain is the path that decided when the unit called name was ready: the unit
// itself, which is the last, before it the need that was ready last, and so on
// back to the beginning. If it never was ready, the chain leads to a need that
// is not ready either.
func (r Record) Chain(name string) ([]Link, error) {
	u, known := r.Unit(name)
	if !known {
		var names []string
		for _, u := range r.Units {
			names = append(names, u.Name)
		}
		return nil, fmt.Errorf("there is no unit %q; there are: %s", name, strings.Join(names, ", "))
	}
	var chain []Link
	seen := map[string]bool{}
	for known && !seen[u.Name] {
		seen[u.Name] = true
		before, waited := r.lastNeed(u)
		l := Link{Unit: u, After: before.Name, Took: r.Took(u)}
		if u.Begun != 0 {
			l.Waited = u.Begun
			if waited {
				l.Waited = max(0, u.Begun-before.Ready)
			}
			l.Cores = r.Cores(u.Begun, u.Begun+l.Took)
		}
		chain = append(chain, l)
		u, known = before, waited
	}
	slices.Reverse(chain)
	return chain, nil
}

// lastNeed is the need for which a unit waited last. One that was ready only
// after the unit began did not hold it up: a deferred service was wanted
// earlier, say.
func (r Record) lastNeed(u Unit) (last Unit, some bool) {
	for _, name := range u.Needs {
		need, known := r.Unit(name)
		switch {
		case !known:
		case u.Begun == 0 && need.Ready == 0:
			return need, true
		case need.Ready == 0 || (u.Begun != 0 && need.Ready > u.Begun):
		case !some || need.Ready > last.Ready:
			last, some = need, true
		}
	}
	return last, some
}

// Gap is the longest time that no unit of the chain to the goal accounts for.
func (r Record) Gap() (longest Link) {
	chain, _ := r.Chain(Goal)
	for _, l := range chain {
		if l.Waited > longest.Waited {
			longest = l
		}
	}
	return longest
}
