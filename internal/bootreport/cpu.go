package bootreport

import "sort"

// counter chooses one of a sample's numbers.
type counter func(Sample) float64

func ofMachine(s Sample) float64   { return s.Machine }
func ofContainer(s Sample) float64 { return s.Container }
func ofInit(s Sample) float64      { return s.Init }

func ofService(name string) counter {
	return func(s Sample) float64 { return s.Services[name] }
}

// ofRest is what the container used beside its services and PID 1: the pods,
// the programs that phases run, whoever came in by docker exec.
func ofRest(s Sample) float64 {
	rest := s.Container - s.Init
	for _, used := range s.Services {
		rest -= used
	}
	return rest
}

// ofOthers is what the rest of the machine used.
func ofOthers(s Sample) float64 { return s.Machine - s.Container }

// count is the number at a moment, interpolated between two samples.
func (r Record) count(c counter, at Offset) float64 {
	after := sort.Search(len(r.Samples), func(i int) bool { return r.Samples[i].At >= at })
	switch {
	case len(r.Samples) == 0:
		return 0
	case after == 0:
		return c(r.Samples[0])
	case after == len(r.Samples):
		return c(r.Samples[after-1])
	}
	a, b := r.Samples[after-1], r.Samples[after]
	return c(a) + (c(b)-c(a))*float64(at-a.At)/float64(b.At-a.At)
}

// used is how many CPU seconds were used between two moments.
func (r Record) used(c counter, from, to Offset) float64 {
	return max(0, r.count(c, to)-r.count(c, from))
}

// CPUSeconds is what the container had used when the boot was over, what the
// engine did to make it included.
func (r Record) CPUSeconds() float64 { return r.count(ofContainer, r.end()) }

// OthersCPU is how many CPU seconds everything outside of the container used
// while the boot went on: how busy the machine was.
func (r Record) OthersCPU() float64 { return r.used(ofOthers, 0, r.end()) }

// Cores is how many CPUs the container had in use on average between two moments.
func (r Record) Cores(from, to Offset) float64 {
	if to <= from {
		return 0
	}
	return r.used(ofContainer, from, to) / (to - from).Seconds()
}

// What counts as idle: the container uses less than a tenth of one CPU, though
// at least half of the machine could be had.
const (
	idleCores = 0.1
	idleFree  = 0.5
)

// Idle is a time in which nothing was computed, and which therefore can be won.
type Idle struct {
	From Offset `json:"from"`
	To   Offset `json:"to"`
	// Unit is the one of the critical chain that was on the way meanwhile.
	Unit string `json:"unit"`
}

// IdleTimes are the times before the goal in which the container's processes all
// waited for something else than a CPU, for atLeast so long.
func (r Record) IdleTimes(atLeast Offset) []Idle {
	var idle []Idle
	var from Offset
	in := false
	keep := func(to Offset) {
		if in && to-from >= atLeast {
			idle = append(idle, Idle{From: from, To: to, Unit: r.onTheWay(from, to)})
		}
		in = false
	}
	end := r.end()
	last := Offset(0)
	for i := 1; i < len(r.Samples) && r.Samples[i-1].At < end; i++ {
		a, b := r.Samples[i-1].At, min(r.Samples[i].At, end)
		length := (b - a).Seconds()
		quiet := r.Cores(a, b) < idleCores && r.used(ofMachine, a, b) <= (1-idleFree)*length*float64(r.CPUs)
		switch {
		case quiet && !in:
			from, in = a, true
		case !quiet:
			keep(a)
		}
		last = b
	}
	keep(last)
	return idle
}

// onTheWay names the unit of the chain to the goal that took most of a time.
func (r Record) onTheWay(from, to Offset) string {
	chain, _ := r.Chain(Goal)
	name, most := "", Offset(0)
	for _, l := range chain {
		ready := l.Begun + l.Took
		if overlap := min(to, ready) - max(from, l.Begun); overlap > most {
			name, most = l.Name, overlap
		}
	}
	return name
}
