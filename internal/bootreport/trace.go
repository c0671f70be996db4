package bootreport

import (
	"maps"
	"slices"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Trace is a boot in the trace event format, which Perfetto and the browsers'
// own viewers (chrome://tracing) open.
type Trace struct {
	Events []TraceEvent      `json:"traceEvents"`
	Unit   string            `json:"displayTimeUnit"`
	Other  map[string]string `json:"otherData,omitempty"`
}

// TraceEvent is one of a Trace's events; times are microseconds.
type TraceEvent struct {
	Name     string         `json:"name"`
	Category string         `json:"cat,omitempty"`
	Phase    string         `json:"ph"`
	Time     int64          `json:"ts"`
	Duration int64          `json:"dur,omitempty"`
	PID      int            `json:"pid"`
	TID      int            `json:"tid"`
	ID       int            `json:"id,omitempty"`
	Binding  string         `json:"bp,omitempty"`
	Scope    string         `json:"s,omitempty"`
	Args     map[string]any `json:"args,omitempty"`
}

// The groups that a viewer shows. Its word for a group is process.
var traceGroups = []struct {
	pid  int
	kind supervisor.Kind
	name string
}{
	{1, supervisor.KindMilestone, "milestones"},
	{2, supervisor.KindService, "services"},
	{3, supervisor.KindPhase, "phases"},
	{4, "", "CPU"},
}

// Trace makes a lane of each unit, a counter of the CPU's use, and arrows
// along the chain to the goal.
func (r Record) Trace() Trace {
	t := Trace{Unit: "ms", Other: maps.Clone(r.Versions)}
	pids := map[supervisor.Kind]int{}
	for i, g := range traceGroups {
		pids[g.kind] = g.pid
		t.add(TraceEvent{Name: "process_name", Phase: "M", PID: g.pid, Args: map[string]any{"name": g.name}})
		t.add(TraceEvent{Name: "process_sort_index", Phase: "M", PID: g.pid, Args: map[string]any{"sort_index": i}})
	}
	for i, u := range byBegin(r.Units) {
		if u.Begun == 0 {
			continue
		}
		pid, tid := pids[u.Kind], i+1
		t.add(TraceEvent{Name: "thread_name", Phase: "M", PID: pid, TID: tid, Args: map[string]any{"name": u.Name}})
		t.add(TraceEvent{Name: "thread_sort_index", Phase: "M", PID: pid, TID: tid, Args: map[string]any{"sort_index": i}})
		args := map[string]any{"summary": u.Summary, "needs": u.Needs}
		if failures := r.Failures(u.Name); failures != nil {
			args["failures"] = failures
		}
		t.add(TraceEvent{Name: u.Name, Category: string(u.Kind), Phase: "X", PID: pid, TID: tid,
			Time: micros(u.Begun), Duration: micros(r.Took(u)), Args: args})
		switch {
		case u.Ready == 0:
		case u.Kind == supervisor.KindMilestone:
			t.add(TraceEvent{Name: u.Name, Category: "milestone", Phase: "i", Scope: "g", PID: pid, TID: tid, Time: micros(u.Ready)})
		case u.Kind == supervisor.KindService:
			t.add(TraceEvent{Name: "ready", Category: "service", Phase: "X", PID: pid, TID: tid,
				Time: micros(u.Ready), Duration: micros(r.Until - u.Ready)})
		}
	}
	r.traceChain(&t, pids)
	r.traceCPU(&t)
	return t
}

func (t *Trace) add(e TraceEvent) { t.Events = append(t.Events, e) }

// traceChain draws an arrow from each unit of the chain to the next.
func (r Record) traceChain(t *Trace, pids map[supervisor.Kind]int) {
	lanes := map[string]int{}
	for i, u := range byBegin(r.Units) {
		lanes[u.Name] = i + 1
	}
	chain, _ := r.Chain(Goal)
	for i := 1; i < len(chain); i++ {
		from, to := chain[i-1], chain[i]
		if from.Ready == 0 || to.Begun == 0 {
			continue
		}
		arrow := TraceEvent{Name: "critical chain", Category: "chain", ID: i}
		arrow.Phase, arrow.PID, arrow.TID, arrow.Time = "s", pids[from.Kind], lanes[from.Name], max(micros(from.Begun), micros(from.Ready)-1)
		t.add(arrow)
		arrow.Phase, arrow.PID, arrow.TID, arrow.Time, arrow.Binding = "f", pids[to.Kind], lanes[to.Name], micros(to.Begun), "e"
		t.add(arrow)
	}
}

// traceCPU makes counters of CPUs in use.
func (r Record) traceCPU(t *Trace) {
	for i := 1; i < len(r.Samples); i++ {
		a, b := r.Samples[i-1].At, r.Samples[i].At
		if b <= a {
			continue
		}
		use := map[string]any{}
		for _, l := range r.layers() {
			use[l.name] = round3(r.used(l.count, a, b) / (b - a).Seconds())
		}
		t.add(TraceEvent{Name: "CPUs in use", Phase: "C", PID: traceGroups[3].pid, Time: micros(a), Args: use})
	}
}

func micros(o Offset) int64 { return time.Duration(o).Microseconds() }

func round3(f float64) float64 { return float64(int64(f*1000+0.5)) / 1000 }

// byBegin sorts units by when they began; those that never did come last.
func byBegin(units []Unit) []Unit {
	sorted := slices.Clone(units)
	slices.SortStableFunc(sorted, func(a, b Unit) int {
		switch {
		case (a.Begun == 0) != (b.Begun == 0):
			if a.Begun == 0 {
				return 1
			}
			return -1
		case a.Begun != b.Begun:
			return int(max(-1, min(1, a.Begun-b.Begun)))
		}
		return int(max(-1, min(1, a.Ready-b.Ready)))
	})
	return sorted
}
