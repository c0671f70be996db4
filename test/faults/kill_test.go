package faults

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
	"github.com/lyft/dockernetes/test/rig"
)

func TestADeafGrandchildThatHoldsTheOutputIsGoneWithinTheBudget(t *testing.T) {
	tests := []struct {
		name string
		end  func(t *testing.T, m *machine, leader int)
		to   supervisor.State
		max  time.Duration
	}{
		{"when the service is stopped", func(t *testing.T, m *machine, _ int) {
			if err := m.Stop(t.Context(), "parent"); err != nil {
				t.Fatal(err)
			}
		}, supervisor.Stopped, shortBudget},
		{"when its leader is killed", func(t *testing.T, m *machine, leader int) {
			m.kill(t, leader, syscall.SIGKILL)
		}, supervisor.Backoff, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			groups := makeCgroups(t)
			m := start(t, "parent", groups.setting())
			leader := m.await(t, "parent", supervisor.Ready).Status.PID
			if n := len(groups.processes(t, "parent")); n != 2 {
				t.Fatalf("there are %d processes, want the leader and its child", n)
			}
			began := time.Now()
			tt.end(t, m, leader)
			m.await(t, "parent", tt.to)
			took := time.Since(began)
			if left := groups.processes(t, "parent"); tt.to == supervisor.Stopped && len(left) > 0 {
				t.Errorf("the processes %v are left", left)
			}
			// The flush of a log that nobody holds takes no time.
			if took > tt.max+rig.Patience(500*time.Millisecond) {
				t.Errorf("gone after %s, with a budget of %s", took, tt.max)
			}
			t.Logf("gone after %s", took.Round(time.Millisecond))
			if tt.to == supervisor.Backoff {
				m.await(t, "parent", supervisor.Ready)
				until(t, "the leader and its child are there again", func() bool {
					return len(groups.processes(t, "parent")) == 2
				})
			}
			m.stop(t)
		})
	}
}

func TestAForkBombIsGoneWithinTheBudget(t *testing.T) {
	const most = "64"
	groups := makeCgroups(t)
	dir := directory(t)
	lit := filepath.Join(dir, "go")
	if err := syscall.Mkfifo(lit, 0o600); err != nil {
		t.Fatal(err)
	}
	m := startIn(t, dir, "bomb", groups.setting())
	m.await(t, "beside", supervisor.Ready)
	// The group is limited before anything runs in it.
	makeGroup(t, groups, "bomb", "pids.max", most)
	if err := os.WriteFile(lit, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m.await(t, "bomb", supervisor.Ready)
	limit := groups.file(t, "bomb", "pids.max")
	until(t, "the bomb has filled its group", func() bool { return len(groups.processes(t, "bomb")) > 40 })

	began := time.Now()
	if err := m.Stop(t.Context(), "bomb"); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	if left := groups.processes(t, "bomb"); len(left) > 0 {
		t.Errorf("%d processes are left", len(left))
	}
	if took > shortBudget+rig.Patience(2*time.Second) { // which is killBudget
		t.Errorf("gone after %s, with a budget of %s", took, shortBudget)
	}
	t.Logf("gone after %s", took.Round(time.Millisecond))
	if text, _ := os.ReadFile(limit); strings.TrimSpace(string(text)) != most {
		t.Errorf("the limit of its processes is %s by now", text)
	}
	if u := m.unit(t, "beside"); u.State != supervisor.Ready || u.Restarts != 0 {
		t.Errorf("the service beside it: %+v", u)
	}
	// Once more, with the whole graph: its group is empty, or makeCgroups'
	// cleanup could not remove it.
	if err := m.Start(t.Context(), "bomb"); err != nil {
		t.Fatal(err)
	}
	m.stop(t)
}

// makeGroup makes the group of a service before the service does, with a limit.
func makeGroup(t testing.TB, groups cgroups, service, file, value string) {
	t.Helper()
	for _, h := range groups {
		if err := os.MkdirAll(filepath.Join(h.dir, "dnetinit", service), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(groups.file(t, service, file), []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

func TestAFrozenServiceIsShownUnreadyAndReplaced(t *testing.T) {
	m := start(t, "answers")
	before := m.await(t, "etcd", supervisor.Ready)
	m.await(t, "ready", supervisor.Ready)
	began := time.Now()
	m.kill(t, before.Status.PID, syscall.SIGSTOP)
	e := m.await(t, "etcd", supervisor.Backoff)
	t.Logf("shown unready after %s: %s", time.Since(began).Round(time.Millisecond), e.Reason)
	if !strings.Contains(e.Reason, "hangs: 3 probes failed") {
		t.Errorf("the reason is %q", e.Reason)
	}
	m.await(t, "ready", supervisor.Waiting)
	after := m.await(t, "etcd", supervisor.Ready)
	m.await(t, "ready", supervisor.Ready)
	if after.Status.PID == before.Status.PID {
		t.Error("it was not replaced")
	}
	if _, err := m.outside(before.Status.PID); err == nil {
		t.Error("the frozen process is still there")
	}
	m.stop(t)
}

func TestAFrozenServiceSaysWhatSpeaksAgainstItBeforeItIsGivenUp(t *testing.T) {
	m := start(t, "answers")
	pid := m.await(t, "etcd", supervisor.Ready).Status.PID
	m.kill(t, pid, syscall.SIGSTOP)
	until(t, "the status tells of a probe that failed", func() bool {
		u := m.unit(t, "etcd")
		return u.State == supervisor.Ready && strings.HasPrefix(u.Reason, "1 of 3 probes failed")
	})
	m.kill(t, pid, syscall.SIGCONT)
	until(t, "the doubt is over", func() bool { return m.unit(t, "etcd").Reason == "" })
	if u := m.unit(t, "etcd"); u.PID != pid || u.Restarts != 0 {
		t.Errorf("it was replaced: %+v", u)
	}
}
