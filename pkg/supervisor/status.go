package supervisor

import (
	"slices"
	"time"
)

// Kind tells the three sorts of units apart.
type Kind string

// The kinds of units.
const (
	KindPhase     Kind = "phase"
	KindService   Kind = "service"
	KindMilestone Kind = "milestone"
)

// State is where a unit stands, in the word that the user sees.
type State string

// The states of a unit. doc.go has the drawing.
const (
	Waiting  State = "waiting"  // for units that it needs
	Starting State = "starting" // a process or a phase runs and is not ready yet
	Ready    State = "ready"
	Backoff  State = "backoff"  // it failed and is tried again after a delay
	Degraded State = "degraded" // it failed so often that it needs help; it is tried on
	Stopping State = "stopping"
	Stopped  State = "stopped"
	Failed   State = "failed" // a phase whose last try failed
)

// Status is all that is known of one unit at one moment.
type Status struct {
	Name    string   `json:"name"`
	Kind    Kind     `json:"kind"`
	Summary string   `json:"summary"`
	Needs   []string `json:"needs,omitempty"`

	State State     `json:"state"`
	Since time.Time `json:"since"` // when State was entered

	// WaitsFor are the needs that are not ready, while State is waiting.
	WaitsFor []string `json:"waitsFor,omitempty"`
	// Reason says why the unit is not ready or why it last failed: "exit
	// status 1", "OOM-killed", a probe's error. Empty after a clean start.
	Reason string `json:"reason,omitempty"`
	// LastLog holds the last lines that a service wrote before it failed.
	LastLog []string `json:"lastLog,omitempty"`
	// Chaos is the harm that is done to a service on purpose at this moment:
	// "freeze for 30s". See [Supervisor.Chaos].
	Chaos string `json:"chaos,omitempty"`

	// Begun and ReadyAt are when the unit first left waiting and when it was
	// first ready; zero if it never was.
	Begun   time.Time `json:"begun,omitzero"`
	ReadyAt time.Time `json:"readyAt,omitzero"`

	PID      int     `json:"pid,omitempty"`      // services that run
	Restarts int     `json:"restarts,omitempty"` // since the supervisor started
	CPU      float64 `json:"cpuSeconds,omitempty"`
	Memory   uint64  `json:"memoryBytes,omitempty"`
}

// Snapshot is the state of every unit at one moment, in the order in which
// they are declared: phases, services, milestones.
type Snapshot struct {
	Time time.Time `json:"time"`
	// Started is when the supervisor began to run the graph.
	Started time.Time `json:"started"`
	// Stopping is true once the graph is being stopped.
	Stopping bool     `json:"stopping,omitempty"`
	Units    []Status `json:"units"`
}

// Unit returns the status of the unit called name.
func (s Snapshot) Unit(name string) (Status, bool) {
	i := slices.IndexFunc(s.Units, func(u Status) bool { return u.Name == name })
	if i < 0 {
		return Status{}, false
	}
	return s.Units[i], true
}

// Blocking returns the units that hold name back: those on the way to it that
// are not ready though all that they need is. It is empty if name is ready or
// unknown.
func (s Snapshot) Blocking(name string) []Status {
	var blocking []Status
	seen := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		u, known := s.Unit(name)
		if !known || u.State == Ready || seen[name] {
			return
		}
		seen[name] = true
		before := len(blocking)
		held := false
		for _, need := range u.Needs {
			if n, known := s.Unit(need); known && n.State != Ready {
				held = true
				visit(need)
			}
		}
		if !held && len(blocking) == before {
			blocking = append(blocking, u)
		}
	}
	visit(name)
	return blocking
}

// Hopeless returns those of the units that hold name back which will not
// become ready without help: a phase that failed, a service that somebody
// stopped or that is degraded.
func (s Snapshot) Hopeless(name string) []Status {
	return slices.DeleteFunc(s.Blocking(name), func(u Status) bool {
		return u.State != Failed && u.State != Stopped && u.State != Degraded
	})
}

// Event is one change of a unit's state. From and To are the same where only
// chaos has begun or is over.
type Event struct {
	Seq    uint64    `json:"seq"` // counts from 1, without gaps
	Time   time.Time `json:"time"`
	Unit   string    `json:"unit"`
	Kind   Kind      `json:"kind"`
	From   State     `json:"from"`
	To     State     `json:"to"`
	Reason string    `json:"reason,omitempty"`
	// Status is the unit's whole status after the change.
	Status Status `json:"status"`
}
