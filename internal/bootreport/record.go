package bootreport

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Goal is the milestone at which a boot is over.
const Goal = "ready"

// Offset is a time since a record's zero. In JSON it is a number of seconds,
// exact to a microsecond. A unit's offset of 0 means never: nothing happens
// before the first instruction.
type Offset time.Duration

// MarshalJSON writes seconds.
func (o Offset) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(o).Round(time.Microsecond).Seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON reads seconds.
func (o *Offset) UnmarshalJSON(data []byte) error {
	seconds, err := strconv.ParseFloat(string(data), 64)
	if err != nil {
		return fmt.Errorf("cannot read %q as seconds: %w", data, err)
	}
	*o = Offset(time.Duration(seconds * float64(time.Second)).Round(time.Microsecond))
	return nil
}

// String has milliseconds, in a form that lines up.
func (o Offset) String() string { return fmt.Sprintf("%.3f s", o.Seconds()) }

// Seconds is the offset as a number.
func (o Offset) Seconds() float64 { return time.Duration(o).Seconds() }

// Record is what is known of one boot.
type Record struct {
	// Zero is when the first instruction of PID 1 ran.
	Zero time.Time `json:"zero"`
	// Forked is when the engine made the process that became PID 1, which is
	// before Zero; the kernel keeps it to 10 ms.
	Forked Offset `json:"forked"`
	// Until is up to when things are recorded.
	Until    Offset            `json:"until"`
	CPUs     int               `json:"cpus"` // of the machine, or as many as PID 1 may use
	Versions map[string]string `json:"versions,omitempty"`
	Units    []Unit            `json:"units"` // in the order of the graph's lists
	Events   []Event           `json:"events"`
	Samples  []Sample          `json:"samples"` // by time
}

// Unit is one phase, service or milestone.
type Unit struct {
	Name    string          `json:"name"`
	Kind    supervisor.Kind `json:"kind"`
	Summary string          `json:"summary,omitempty"`
	Needs   []string        `json:"needs,omitempty"` // what it waited for
	Begun   Offset          `json:"begun,omitzero"`  // when it first left waiting
	Ready   Offset          `json:"ready,omitzero"`  // when it was first ready
}

// Event is a change of a unit's state.
type Event struct {
	At     Offset           `json:"at"`
	Unit   string           `json:"unit"`
	From   supervisor.State `json:"from"`
	To     supervisor.State `json:"to"`
	Reason string           `json:"reason,omitempty"`
}

// Sample is how many seconds of CPU time had been used at one moment. The
// numbers only grow; what they are counted from differs and has no meaning.
type Sample struct {
	At        Offset  `json:"at"`
	Machine   float64 `json:"machine"`             // by everything on the machine, in steps of 10 ms
	Container float64 `json:"container,omitempty"` // by everything in the container
	Init      float64 `json:"init"`                // by PID 1 itself
	// Services has those that have a cgroup by now.
	Services map[string]float64 `json:"services,omitempty"`
}

// Parse reads a record.
func Parse(data []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, fmt.Errorf("cannot read the record of a boot: %w", err)
	}
	if r.Zero.IsZero() || len(r.Units) == 0 {
		return Record{}, fmt.Errorf("cannot read the record of a boot: it has no zero or no units")
	}
	return r, nil
}

// Unit returns the unit called name.
func (r Record) Unit(name string) (Unit, bool) {
	i := slices.IndexFunc(r.Units, func(u Unit) bool { return u.Name == name })
	if i < 0 {
		return Unit{}, false
	}
	return r.Units[i], true
}

// Took is the time from a unit's beginning until it was ready, or until the
// record ends if it never was.
func (r Record) Took(u Unit) Offset {
	switch {
	case u.Begun == 0:
		return 0
	case u.Ready == 0:
		return r.Until - u.Begun
	}
	return u.Ready - u.Begun
}

// Failures are the reasons why a unit failed, in their order.
func (r Record) Failures(name string) []string {
	var reasons []string
	for _, e := range r.Events {
		if e.Unit == name && failure(e) {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

func failure(e Event) bool {
	return e.To == supervisor.Backoff || e.To == supervisor.Degraded || e.To == supervisor.Failed
}

// end is when the boot was over: the goal was reached or the record ends.
func (r Record) end() Offset {
	if u, known := r.Unit(Goal); known && u.Ready != 0 {
		return u.Ready
	}
	return r.Until
}
