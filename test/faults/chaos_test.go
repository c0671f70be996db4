package faults

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
	"github.com/lyft/dockernetes/test/rig"
)

// harm begins chaos and returns once it is shown; the channel has its end.
func harm(t *testing.T, m *machine, do supervisor.Chaos, length time.Duration) (end <-chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- m.Chaos(ctx, "etcd", do, length) }()
	m.awaitEvent(t, "chaos in the events", func(e supervisor.Event) bool { return strings.HasPrefix(e.Status.Chaos, string(do)) })
	return done, cancel
}

// state returns what tells whether a process stands still.
func state(t *testing.T, m *machine, pid int) (stopped func() bool) {
	t.Helper()
	outside, err := m.outside(pid)
	if err != nil {
		t.Fatal(err)
	}
	return func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", outside))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		return strings.HasPrefix(rest, "T")
	}
}

func TestChaosHarmsForItsTimeAndIsUndone(t *testing.T) {
	const length = 1500 * time.Millisecond
	ended := func(t *testing.T, end <-chan error, began time.Time) {
		t.Helper()
		if err := <-end; err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < length || took > length+rig.Patience(time.Second) {
			t.Errorf("it lasted %s, want %s", took, length)
		}
	}
	t.Run("a kill gives the service another process", func(t *testing.T) {
		m := start(t, "cluster")
		before := m.await(t, "etcd", supervisor.Ready).Status.PID
		if err := m.Chaos(t.Context(), "etcd", supervisor.ChaosKill, 0); err != nil {
			t.Fatal(err)
		}
		if e := m.await(t, "etcd", supervisor.Backoff); e.Reason != "killed by SIGKILL" {
			t.Errorf("the reason is %q", e.Reason)
		}
		if after := m.await(t, "etcd", supervisor.Ready).Status.PID; after == before {
			t.Error("it has the same process")
		}
	})
	t.Run("a kill that lasts leaves the service no process, and then one at once", func(t *testing.T) {
		m := start(t, "cluster")
		m.await(t, "etcd", supervisor.Ready)
		began := time.Now()
		end, _ := harm(t, m, supervisor.ChaosKill, length)
		ended(t, end, began)
		over := time.Now()
		m.await(t, "etcd", supervisor.Ready)
		if took := time.Since(over); took > rig.Patience(time.Second) {
			t.Errorf("ready again after %s", took)
		}
		if states := fmt.Sprint(m.states("etcd")); strings.Count(states, "ready") > 3 {
			t.Errorf("it went through %s", states)
		}
	})
	t.Run("what is frozen goes on", func(t *testing.T) {
		m := start(t, "cluster")
		pid := m.await(t, "etcd", supervisor.Ready).Status.PID
		stopped := state(t, m, pid)
		began := time.Now()
		end, _ := harm(t, m, supervisor.ChaosFreeze, length)
		until(t, "it stands still", stopped)
		if u := m.unit(t, "etcd"); u.Chaos != "freeze for 1.5s" {
			t.Errorf("the status says %q", u.Chaos)
		}
		ended(t, end, began)
		if u := m.unit(t, "etcd"); stopped() || u.Chaos != "" || u.PID != pid {
			t.Errorf("it is not undone: %+v", u)
		}
		m.stop(t)
	})
	t.Run("what is slow runs now and then", func(t *testing.T) {
		m := start(t, "cluster")
		pid := m.await(t, "etcd", supervisor.Ready).Status.PID
		stopped := state(t, m, pid)
		began := time.Now()
		end, _ := harm(t, m, supervisor.ChaosSlow, length)
		for range 2 {
			until(t, "it stands still", stopped)
			until(t, "it runs", func() bool { return !stopped() })
		}
		ended(t, end, began)
		if stopped() {
			t.Error("it stands still at the end")
		}
	})
	t.Run("out of memory is named so", func(t *testing.T) {
		groups := makeCgroups(t)
		m := start(t, "cluster", groups.setting())
		m.await(t, "ready", supervisor.Ready)
		beside := m.unit(t, "beside").PID
		limit := groups.file(t, "etcd", limitFile(t, groups))
		before, _ := os.ReadFile(limit)
		if err := m.Chaos(t.Context(), "etcd", supervisor.ChaosOOM, 0); err != nil {
			t.Fatal(err)
		}
		if e := m.await(t, "etcd", supervisor.Backoff); e.Reason != "OOM-killed (killed by SIGKILL)" {
			t.Errorf("the reason is %q", e.Reason)
		}
		m.await(t, "etcd", supervisor.Ready)
		if after, _ := os.ReadFile(limit); string(after) != string(before) {
			t.Errorf("the limit was %s and is %s", before, after)
		}
		if n := len(groups.processes(t, "etcd")); n != 1 {
			t.Errorf("there are %d processes in its group", n)
		}
		if u := m.unit(t, "beside"); u.PID != beside {
			t.Errorf("the service beside it: %+v", u)
		}
		m.stop(t)
	})
}

func TestChaosEndsWithItsClient(t *testing.T) {
	m := start(t, "cluster")
	pid := m.await(t, "etcd", supervisor.Ready).Status.PID
	stopped := state(t, m, pid)
	end, goAway := harm(t, m, supervisor.ChaosFreeze, time.Minute)
	until(t, "it stands still", stopped)
	goAway()
	<-end
	until(t, "it goes on", func() bool { return !stopped() })
	until(t, "the status does not tell of it any more", func() bool { return m.unit(t, "etcd").Chaos == "" })
}

func TestChaosEndsWithPID1(t *testing.T) {
	m := start(t, "cluster")
	pid := m.await(t, "etcd", supervisor.Ready).Status.PID
	stopped := state(t, m, pid)
	m.await(t, "ready", supervisor.Ready)
	end, _ := harm(t, m, supervisor.ChaosFreeze, time.Minute)
	until(t, "it stands still", stopped)
	m.signal(t, syscall.SIGTERM)
	// A frozen service would not heed SIGTERM, and use up its budget of 3 s.
	if status, took := m.exit(t); status != 0 || took > rig.Patience(2*time.Second) {
		t.Errorf("status %d after %s", status, took)
	}
	<-end
	m.mustHaveLeftNothing(t)
}

func TestASecondChaosIsRefusedWhileTheFirstLasts(t *testing.T) {
	m := start(t, "cluster")
	m.await(t, "etcd", supervisor.Ready)
	end, goAway := harm(t, m, supervisor.ChaosFreeze, time.Minute)
	if err := m.Chaos(t.Context(), "etcd", supervisor.ChaosKill, 0); err == nil || !strings.Contains(err.Error(), "harmed already: freeze") {
		t.Errorf("got %v", err)
	}
	goAway()
	<-end
}
