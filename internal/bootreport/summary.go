package bootreport

import (
	"cmp"
	"slices"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Times are the milestones of a boot.
type Times struct {
	Zero      time.Time `json:"zero"`
	FirstUnit Offset    `json:"firstUnit"` // when the first unit began
	// Milestones that were reached, by time.
	Milestones []Point `json:"milestones"`
	// Ready is when the goal was reached; 0 if it was not.
	Ready      Offset  `json:"ready,omitzero"`
	Until      Offset  `json:"until"`
	CPUSeconds float64 `json:"cpuSeconds"` // of the container, by then
	OthersCPU  float64 `json:"othersCPUSeconds"`
	CPUs       int     `json:"cpus"`
	// Missing are the units that were not ready when the record ended.
	Missing []string `json:"missing,omitempty"`
}

// Point is a milestone and when it was reached.
type Point struct {
	Name string `json:"name"`
	At   Offset `json:"at"`
}

// Times sums up the boot.
func (r Record) Times() Times {
	t := Times{Zero: r.Zero, Until: r.Until, CPUs: r.CPUs, CPUSeconds: round3(r.CPUSeconds()), OthersCPU: round3(r.OthersCPU())}
	for _, u := range r.Units {
		if u.Begun != 0 && (t.FirstUnit == 0 || u.Begun < t.FirstUnit) {
			t.FirstUnit = u.Begun
		}
		switch {
		case u.Ready == 0:
			t.Missing = append(t.Missing, u.Name)
		case u.Kind == supervisor.KindMilestone:
			t.Milestones = append(t.Milestones, Point{u.Name, u.Ready})
		}
		if u.Name == Goal {
			t.Ready = u.Ready
		}
	}
	slices.SortStableFunc(t.Milestones, func(a, b Point) int { return cmp.Compare(a.At, b.At) })
	return t
}

// Cost is what one unit cost.
type Cost struct {
	Name  string          `json:"name"`
	Kind  supervisor.Kind `json:"kind"`
	Begun Offset          `json:"begun"`
	Took  Offset          `json:"took"`
	Ready bool            `json:"ready"`
	// CPU is what a service used from its beginning until it was ready, and
	// Total until the boot was over; seconds.
	CPU      float64  `json:"cpuSeconds,omitempty"`
	Total    float64  `json:"totalCPUSeconds,omitempty"`
	Failures []string `json:"failures,omitempty"`
}

// Blame lists the units that began, the slowest first.
func (r Record) Blame() []Cost {
	var costs []Cost
	for _, u := range r.Units {
		if u.Begun == 0 {
			continue
		}
		c := Cost{Name: u.Name, Kind: u.Kind, Begun: u.Begun, Took: r.Took(u), Ready: u.Ready != 0, Failures: r.Failures(u.Name)}
		if u.Kind == supervisor.KindService {
			c.CPU = round3(r.used(ofService(u.Name), u.Begun, u.Begun+c.Took))
			c.Total = round3(r.used(ofService(u.Name), 0, r.end()))
		}
		costs = append(costs, c)
	}
	slices.SortStableFunc(costs, func(a, b Cost) int { return cmp.Compare(b.Took, a.Took) })
	return costs
}
