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
