package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// done is what phases leave behind: state that outlives the supervisor.
type done map[string]bool

// bootOf is a small boot over that state. fault is called at the beginning and
// at the end of each phase.
func bootOf(state done, fault func(phase string) error) []unit {
	phase := func(name string, needs ...string) unit {
		return unit{name: name, kind: KindPhase, needs: needs, tries: phaseTries, try: func(context.Context, *report) error {
			for _, need := range needs {
				if !state[need] && need != "etcd" {
					return fmt.Errorf("%s is not done", need)
				}
			}
			if err := fault(name); err != nil {
				return err
			}
			state[name] = true
			return fault(name)
		}}
	}
	return []unit{
		phase("mounts"),
		phase("pki", "mounts"),
		phase("kubeconfigs", "pki"),
		{name: "etcd", kind: KindService, needs: []string{"pki"}, try: runs},
		phase("addons", "etcd", "kubeconfigs"),
		{name: "ready", kind: KindMilestone, needs: []string{"etcd", "addons"}, try: Milestone{}.attempt},
	}
}

var errDisk = errors.New("no space left on device")

// injections are what may happen to a phase at its call numbered n, which
// counts from 1: each try has two.
var injections = []struct {
	name  string
	fault func(n int) error
	heals bool // by itself, in the same boot
}{
	{"an error at the beginning", func(n int) error { return when(n == 1) }, true},
	{"an error at the end", func(n int) error { return when(n == 2) }, true},
	{"a panic", func(n int) error {
		if n == 1 {
			panic(errDisk)
		}
		return nil
	}, true},
	{"a delay of a minute", func(n int) error { time.Sleep(time.Minute); return nil }, true},
	{"an error that stays", func(int) error { return errDisk }, false},
	{"a panic that stays", func(int) error { panic(errDisk) }, false},
	{"an error after all is done, that stays", func(n int) error { return when(n%2 == 0) }, false},
}

func when(fails bool) error {
	if fails {
		return errDisk
	}
	return nil
}

func TestWhateverHappensToAPhaseItIsNamedAndTheNextRunConverges(t *testing.T) {
	for _, phase := range []string{"mounts", "pki", "kubeconfigs", "addons"} {
		for _, injection := range injections {
			t.Run(phase+": "+injection.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					state, calls := done{}, 0
					g := start(t, bootOf(state, func(name string) error {
						if name != phase {
							return nil
						}
						calls++
						return injection.fault(calls)
					})...)
					time.Sleep(10 * time.Minute)
					if injection.heals {
						g.mustBe(t, "ready", Ready)
					} else {
						row := g.mustBe(t, phase, Failed)
						if !strings.Contains(row.Reason, errDisk.Error()) {
							t.Errorf("the reason is %q", row.Reason)
						}
						if h := g.board.snapshot().Hopeless("ready"); len(h) != 1 || h[0].Name != phase {
							t.Errorf("what is hopeless is %v, want %s", h, phase)
						}
					}
					if took := g.stop(t); took > time.Second {
						t.Errorf("stopping took %s", took)
					}

					again := start(t, bootOf(state, func(string) error { return nil })...)
					again.mustBe(t, "ready", Ready)
					again.stop(t)
				})
			})
		}
	}
}

// The API server may die while a phase talks to it, more often than the phase
// has tries, and stay away for long.
func TestAPhaseWhoseNeedDiesIsRunAgainOnceThatIsBack(t *testing.T) {
	for _, down := range []time.Duration{0, time.Second, 10 * time.Second, 5 * time.Minute} {
		t.Run(down.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var up atomic.Bool
				var backAt time.Time
				kill, begun := make(chan struct{}), make(chan struct{})
				g := start(t,
					unit{name: "apiserver", kind: KindService, try: func(ctx context.Context, r *report) error {
						if time.Now().Before(backAt) {
							return errors.New("exit status 1")
						}
						up.Store(true)
						r.ready()
						select {
						case <-kill:
							up.Store(false)
							return errors.New("killed by SIGKILL")
						case <-ctx.Done():
							return nil
						}
					}},
					unit{name: "api", kind: KindMilestone, needs: []string{"apiserver"}, try: Milestone{}.attempt},
					unit{name: "coredns", kind: KindPhase, needs: []string{"api"}, tries: phaseTries, try: func(context.Context, *report) error {
						begun <- struct{}{}
						time.Sleep(time.Millisecond) // under synctest: until nobody else has anything to do
						if !up.Load() {
							return errors.New("connection refused")
						}
						return nil
					}},
				)
				for range 2 * phaseTries {
					<-begun
					backAt = time.Now().Add(down)
					kill <- struct{}{}
				}
				go func() {
					for range begun {
					}
				}()
				time.Sleep(time.Hour)
				g.mustBe(t, "coredns", Ready)
				g.stop(t)
				close(begun)
			})
		})
	}
}

func TestAPanicInAProbeAnObservationOrAnUndoIsAnError(t *testing.T) {
	explode := func(context.Context) error { panic("boom") }
	if err := look(t.Context(), explode); err == nil || !strings.Contains(err.Error(), "panic: boom") {
		t.Errorf("a probe: got %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		g := start(t,
			unit{name: "mounts", kind: KindPhase, try: func(context.Context, *report) error { return nil }, undo: explode},
			unit{name: "ready", kind: KindMilestone, needs: []string{"mounts"}, try: Milestone{Observe: explode}.attempt},
		)
		if row := g.mustBe(t, "ready", Starting); !strings.Contains(row.Reason, "panic: boom") {
			t.Errorf("an observation: the reason is %q", row.Reason)
		}
		g.stop(t)
		if row := g.mustBe(t, "mounts", Stopped); !strings.Contains(row.Reason, "panic: boom") {
			t.Errorf("an undo: the reason is %q", row.Reason)
		}
	})
}

func TestWhatCannotBeStoppedIsNamedAndLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := func(context.Context, *report) error { <-release; return nil }
		g := start(t,
			unit{name: "mounts", kind: KindPhase, try: func(context.Context, *report) error { return nil }},
			unit{name: "pki", kind: KindPhase, needs: []string{"mounts"}, try: stuck},
			unit{name: "etcd", kind: KindService, try: runs},
		)
		g.mustBe(t, "pki", Starting)
		began := time.Now()
		g.cancel()
		err := <-g.done
		if err == nil || !strings.Contains(err.Error(), "cannot stop pki: ") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != g.options.StopBudget+abandonAfter {
			t.Errorf("it took %s", took)
		}
		if row, _ := g.board.row("etcd"); row.State != Stopped {
			t.Errorf("etcd is %s", row.State)
		}
		close(release)
	})
}

// A service that flaps is degraded in the end, and its milestones go with it:
// what a health check sees.
func TestAServiceThatIsKilledAgainAndAgainIsDegradedWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t,
			unit{name: "etcd", kind: KindService, try: func(_ context.Context, r *report) error {
				r.ready()
				time.Sleep(time.Second)
				return failure{error: errors.New("killed by SIGKILL"), lines: []string{"raft: stopped"}}
			}},
			unit{name: "ready", kind: KindMilestone, needs: []string{"etcd"}, try: Milestone{}.attempt},
		)
		time.Sleep(5 * time.Minute)
		states := g.states("etcd")
		if !slices.Contains(states, Degraded) {
			t.Fatalf("never degraded: %v", states)
		}
		events, _ := g.board.since(0)
		for _, e := range events {
			if e.Unit == "etcd" && e.To == Degraded && (e.Reason != "killed by SIGKILL" || !slices.Equal(e.Status.LastLog, []string{"raft: stopped"})) {
				t.Errorf("degraded for the reason %q, with the lines %q", e.Reason, e.Status.LastLog)
			}
		}
		g.stop(t)
	})
}
