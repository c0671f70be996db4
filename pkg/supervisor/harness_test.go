package supervisor

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// graphOf runs a graph of units whose attempts are functions of the test, in
// a synctest bubble: time passes only when everybody waits.
type graphOf struct {
	*Supervisor
	cancel context.CancelFunc
	done   chan error
}

func start(t *testing.T, units ...unit) *graphOf {
	t.Helper()
	s := &Supervisor{units: map[string]*unit{}, stopLimit: make(chan struct{}), options: Options{StopBudget: 8 * time.Second}}
	var rows []Status
	for _, u := range units {
		needs := u.needs
		if u.deferTo != "" {
			needs = append(slices.Clone(needs), u.deferTo)
		}
		rows = append(rows, Status{Name: u.name, Kind: u.kind, Needs: needs})
	}
	s.board = newBoard(rows)
	for _, u := range units {
		if u.tries == 0 {
			u.tries = serviceTries
		}
		s.add(u)
	}
	for _, u := range units {
		for _, need := range u.needs {
			s.units[need].needers = append(s.units[need].needers, u.name)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	g := &graphOf{Supervisor: s, cancel: cancel, done: make(chan error, 1)}
	go func() { g.done <- s.Run(ctx) }()
	return g
}

// stop ends the graph and returns how long that took.
func (g *graphOf) stop(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	g.cancel()
	if err := <-g.done; err != nil {
		t.Errorf("Run: %v", err)
	}
	return time.Since(began)
}

// states returns all states that a unit has entered.
func (g *graphOf) states(name string) (states []State) {
	events, _ := g.board.since(0)
	for _, e := range events {
		if e.Unit == name {
			states = append(states, e.To)
		}
	}
	return states
}

func (g *graphOf) mustBe(t *testing.T, name string, want State) Status {
	t.Helper()
	synctest.Wait()
	row, _ := g.board.row(name)
	if row.State != want {
		t.Fatalf("%s is %s (%s), want %s; it went through %v", name, row.State, row.Reason, want, g.states(name))
	}
	return row
}

// runs is an attempt that is ready at once and runs until it is stopped.
func runs(ctx context.Context, r *report) error {
	r.ready()
	<-ctx.Done()
	return nil
}
