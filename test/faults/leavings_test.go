package faults

import (
	"syscall"
	"testing"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestAStartOverTheLeavingsOfAKilledPID1(t *testing.T) {
	groups := makeCgroups(t)
	dir := directory(t)
	killed := startIn(t, dir, "cluster", groups.setting())
	killed.await(t, "ready", supervisor.Ready)
	until(t, "the readiness file is there", func() bool { return exists(t, dir, "ready") })
	killed.signal(t, syscall.SIGKILL)
	killed.exit(t)
	for _, name := range []string{"s", "ready", "notify/etcd.sock"} {
		if !exists(t, dir, name) {
			t.Fatalf("the killed PID 1 has not left %s: there is nothing to test", name)
		}
	}

	held := startIn(t, dir, "held", groups.setting(), "FAULTS_HOLD=mounts begins")
	until(t, "the second boot is held", func() bool { return exists(t, dir, "held") })
	if exists(t, dir, "ready") {
		t.Error("the readiness file of the first boot is still there in the second")
	}
	if r, err := held.Ready(t.Context()); err != nil || r.Ready {
		t.Errorf("the socket says %+v, %v", r, err)
	}
	held.signal(t, syscall.SIGTERM)
	if status, _ := held.exit(t); status != 0 {
		t.Errorf("status %d", status)
	}

	again := startIn(t, dir, "cluster", groups.setting())
	again.await(t, "ready", supervisor.Ready)
	for _, name := range []string{"etcd", "apiserver", "beside"} {
		if u := again.unit(t, name); u.State != supervisor.Ready || u.Restarts != 0 {
			t.Errorf("%s: %+v", name, u)
		}
		if n := len(groups.processes(t, name)); n != 1 {
			t.Errorf("there are %d processes in the cgroup of %s", n, name)
		}
	}
	again.stop(t)
}
