package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

func TestAUnitStartsTheMomentItsNeedsAreReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		certificates := make(chan error)
		g := start(t,
			unit{name: "pki", kind: KindPhase, try: func(context.Context, *report) error { return <-certificates }},
			unit{name: "etcd", kind: KindService, needs: []string{"pki"}, try: runs},
			unit{name: "ready", kind: KindMilestone, needs: []string{"etcd"}, try: Milestone{}.attempt},
		)
		if row := g.mustBe(t, "etcd", Waiting); !slices.Equal(row.WaitsFor, []string{"pki"}) {
			t.Errorf("etcd waits for %v", row.WaitsFor)
		}
		began := time.Now()
		certificates <- nil
		g.mustBe(t, "ready", Ready)
		if took := time.Since(began); took != 0 {
			t.Errorf("the units started %s after their needs were ready", took)
		}
		g.stop(t)
	})
}

func TestStopsInTheReverseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var downs []string
		slow := func(name string) attempt {
			return func(ctx context.Context, r *report) error {
				r.ready()
				<-ctx.Done()
				time.Sleep(time.Second) // in the bubble's time: how long the program takes to stop
				mu.Lock()
				defer mu.Unlock()
				downs = append(downs, name)
				return nil
			}
		}
		undone := false
		g := start(t,
			unit{name: "mounts", kind: KindPhase, try: func(context.Context, *report) error { return nil },
				undo: func(context.Context) error {
					undone = len(downs) == 3
					return nil
				}},
			unit{name: "etcd", kind: KindService, needs: []string{"mounts"}, try: slow("etcd")},
			unit{name: "apiserver", kind: KindService, needs: []string{"etcd"}, try: slow("apiserver")},
			unit{name: "kubelet", kind: KindService, needs: []string{"apiserver"}, try: slow("kubelet")},
		)
		g.mustBe(t, "kubelet", Ready)
		if took := g.stop(t); took != 3*time.Second {
			t.Errorf("stopping took %s, want three programs' second each and nothing more", took)
		}
		if want := []string{"kubelet", "apiserver", "etcd"}; !slices.Equal(downs, want) {
			t.Errorf("went down in the order %v, want %v", downs, want)
		}
		if !undone {
			t.Error("the phase was not undone after all that needed it was down")
		}
	})
}

func TestAFailingServiceIsTriedAgainAsTheCurveSaysAndDegradesButIsNeverGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun []time.Time
		crash := func(context.Context, *report) error {
			begun = append(begun, time.Now())
			if len(begun) == 9 {
				return failure{error: errors.New("exit status 1"), lines: []string{"unknown flag: --x"}}
			}
			return errors.New("exit status 1")
		}
		g := start(t, unit{name: "etcd", kind: KindService, try: crash})
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		for i := 1; i < len(begun); i++ {
			pause, least := begun[i].Sub(begun[i-1]), delay(i, 0)
			if most := delay(i, 1); pause < least || pause > most {
				t.Errorf("the pause after failure %d is %s, want %s to %s", i, pause, least, most)
			}
		}
		if len(begun) < 9 {
			t.Errorf("given up after %d tries", len(begun))
		}
		row := g.mustBe(t, "etcd", Degraded)
		if row.Reason != "exit status 1" || row.Restarts != len(begun)-1 {
			t.Errorf("reason %q, %d restarts after %d tries", row.Reason, row.Restarts, len(begun))
		}
		want := []State{Starting, Backoff, Starting, Backoff, Starting, Backoff, Starting, Backoff, Starting, Degraded}
		if got := g.states("etcd"); !slices.Equal(got, want) {
			t.Errorf("went through %v, want %v", got, want)
		}
		g.stop(t)
	})
}

func TestAHundredKillsMakeAHundredRestartsAndSkipNoState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kill := make(chan struct{})
		g := start(t, unit{name: "etcd", kind: KindService, tries: 1000, try: func(ctx context.Context, r *report) error {
			r.ready()
			select {
			case <-kill:
				return errors.New("killed by SIGKILL")
			case <-ctx.Done():
				return nil
			}
		}})
		for range 100 {
			g.mustBe(t, "etcd", Ready)
			kill <- struct{}{}
			time.Sleep(longestWait + longestWait/10)
		}
		row := g.mustBe(t, "etcd", Ready)
		if row.Restarts != 100 {
			t.Errorf("%d restarts", row.Restarts)
		}
		states := g.states("etcd")
		for i := 0; i+2 < len(states); i += 3 {
			if !slices.Equal(states[i:i+3], []State{Starting, Ready, Backoff}) {
				t.Fatalf("a state is missing: %v", states[i:i+3])
			}
		}
		g.stop(t)
	})
}

func TestFailuresAreForgottenOnceAServiceHasSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kill := make(chan struct{})
		g := start(t, unit{name: "etcd", kind: KindService, try: func(ctx context.Context, r *report) error {
			r.ready()
			select {
			case <-kill:
				return errors.New("exit status 2")
			case <-ctx.Done():
				return nil
			}
		}})
		for range 3 * serviceTries {
			time.Sleep(settled + time.Second)
			kill <- struct{}{}
			g.mustBe(t, "etcd", Backoff)
			began := time.Now()
			time.Sleep(delay(1, 1))
			g.mustBe(t, "etcd", Ready)
			if took := time.Since(began); took > delay(1, 1) {
				t.Errorf("back after %s: the failures before were not forgotten", took)
			}
		}
		g.stop(t)
	})
}

func TestAPhaseFailsAfterItsTriesAndHoldsBackOnlyWhatNeedsIt(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		panic bool
		want  int
	}{
		{"an error is tried three times", errors.New("no space left on device"), false, phaseTries},
		{"a final error once", fmt.Errorf("cannot read the configuration: %w", Final(errors.New("unknown field"))), false, 1},
		{"a panic is an error", errors.New("boom"), true, phaseTries},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				g := start(t,
					unit{name: "pki", kind: KindPhase, tries: phaseTries, try: func(context.Context, *report) error {
						tries++
						if tt.panic {
							panic(tt.err)
						}
						return tt.err
					}},
					unit{name: "etcd", kind: KindService, needs: []string{"pki"}, try: runs},
					unit{name: "containerd", kind: KindService, try: runs},
				)
				time.Sleep(time.Minute)
				row := g.mustBe(t, "pki", Failed)
				if !strings.Contains(row.Reason, tt.err.Error()) {
					t.Errorf("the reason is %q", row.Reason)
				}
				if tries != tt.want {
					t.Errorf("%d tries, want %d", tries, tt.want)
				}
				g.mustBe(t, "etcd", Waiting)
				g.mustBe(t, "containerd", Ready)
				if hopeless := g.board.snapshot().Hopeless("etcd"); len(hopeless) != 1 || hopeless[0].Name != "pki" {
					t.Errorf("what is hopeless for etcd is %v", hopeless)
				}
				g.stop(t)
			})
		})
	}
}

func TestAMilestoneGoesWithItsNeedsAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kill := make(chan struct{})
		var seen atomic.Bool
		seen.Store(true)
		g := start(t,
			unit{name: "apiserver", kind: KindService, try: func(ctx context.Context, r *report) error {
				r.ready()
				select {
				case <-kill:
					return errors.New("killed")
				case <-ctx.Done():
					return nil
				}
			}},
			unit{name: "api", kind: KindMilestone, needs: []string{"apiserver"}, try: Milestone{
				Recheck: 10 * time.Second,
				Observe: func(context.Context) error {
					if !seen.Load() {
						return errors.New("403 Forbidden")
					}
					return nil
				},
			}.attempt},
			unit{name: "ready", kind: KindMilestone, needs: []string{"api"}, try: Milestone{}.attempt},
		)
		g.mustBe(t, "ready", Ready)

		kill <- struct{}{}
		g.mustBe(t, "api", Waiting)
		g.mustBe(t, "ready", Waiting)
		time.Sleep(delay(1, 1))
		g.mustBe(t, "ready", Ready)

		seen.Store(false)
		time.Sleep(10*time.Second + afterMiss/2)
		g.mustBe(t, "ready", Ready) // one miss is none
		time.Sleep(2 * afterMiss)
		if row := g.mustBe(t, "api", Starting); row.Reason != "403 Forbidden" && row.Reason != "not seen any more: 403 Forbidden" {
			t.Errorf("the reason is %q", row.Reason)
		}
		g.mustBe(t, "ready", Waiting)
		seen.Store(true)
		time.Sleep(longestPause)
		g.mustBe(t, "ready", Ready)
		g.stop(t)
	})
}

func TestADeferredServiceStartsWithItsUnitOrWithItsFirstClient(t *testing.T) {
	for _, client := range []bool{false, true} {
		t.Run(fmt.Sprintf("a client connects: %v", client), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				late, wanted := make(chan error), make(chan struct{}, 1)
				g := start(t,
					unit{name: "cluster", kind: KindPhase, try: func(context.Context, *report) error { return <-late }},
					unit{name: "dockerd", kind: KindService, deferTo: "cluster", wanted: wanted, try: runs},
				)
				g.mustBe(t, "dockerd", Waiting)
				if client {
					wanted <- struct{}{}
				} else {
					late <- nil
				}
				g.mustBe(t, "dockerd", Ready)
				if client {
					late <- nil
				}
				g.stop(t)
			})
		})
	}
}

func TestAStopAtAnyMomentEndsEverything(t *testing.T) {
	for after := range 12 {
		t.Run(fmt.Sprintf("after %d half-seconds", after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				slowPhase := func(ctx context.Context, _ *report) error {
					select {
					case <-time.After(time.Second):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				failures := 0
				g := start(t,
					unit{name: "pki", kind: KindPhase, tries: phaseTries, try: slowPhase},
					unit{name: "etcd", kind: KindService, needs: []string{"pki"}, try: func(ctx context.Context, r *report) error {
						if failures++; failures < 3 {
							return errors.New("exit status 1")
						}
						return runs(ctx, r)
					}},
					unit{name: "ready", kind: KindMilestone, needs: []string{"etcd"}, try: Milestone{}.attempt},
				)
				time.Sleep(time.Duration(after) * 500 * time.Millisecond)
				if took := g.stop(t); took > time.Second {
					t.Errorf("stopping took %s", took)
				}
				for _, u := range g.board.snapshot().Units {
					if u.State != Stopped {
						t.Errorf("%s is %s at the end", u.Name, u.State)
					}
				}
			})
		})
	}
}

func TestCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crash := false
		g := start(t,
			unit{name: "pki", kind: KindPhase, try: func(context.Context, *report) error { return nil }},
			unit{name: "etcd", kind: KindService, needs: []string{"pki"}, try: func(ctx context.Context, r *report) error {
				if crash {
					return errors.New("exit status 1")
				}
				return runs(ctx, r)
			}},
		)
		ctx := t.Context()
		steps := []struct {
			name    string
			do      func() error
			state   State
			wantErr string
		}{
			{"starting what runs changes nothing", func() error { return g.Start(ctx, "etcd") }, Ready, ""},
			{"a restart ends with the service ready", func() error { return g.Restart(ctx, "etcd") }, Ready, ""},
			{"a stopped service stays down", func() error { return g.Stop(ctx, "etcd") }, Stopped, ""},
			{"stopping it again changes nothing", func() error { return g.Stop(ctx, "etcd") }, Stopped, ""},
			{"a stopped service can be restarted", func() error { return g.Restart(ctx, "etcd") }, Ready, ""},
			{"a phase can't be stopped", func() error { return g.Stop(ctx, "pki") }, Ready, "pki is a phase"},
			{"an unknown name is answered with the known ones", func() error { return g.Stop(ctx, "etdc") }, Ready, `no service called "etdc"`},
			{"a start that fails says why", func() error { crash = true; return g.Restart(ctx, "etcd") }, Backoff, "cannot start etcd: exit status 1"},
		}
		for _, step := range steps {
			err := step.do()
			if (err == nil) != (step.wantErr == "") || err != nil && !strings.Contains(err.Error(), step.wantErr) {
				t.Errorf("%s: error %v, want %q", step.name, err, step.wantErr)
			}
			g.mustBe(t, "etcd", step.state)
		}
		g.stop(t)
		if err := g.Start(ctx, "pki"); err == nil {
			t.Error("a command after the end is obeyed")
		}
	})
}
