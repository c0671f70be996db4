package cluster

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
	"github.com/lyft/dockernetes/test/rig"
)

// The tests of this file take services down, so none of them is parallel: the
// parallel ones run when they are through.

func TestAServiceThatIsStoppedTakesReadinessWithIt(t *testing.T) {
	c := cluster(t)
	c.Exec(t, "dnetinit", "stop", "kube-scheduler")
	t.Cleanup(func() {
		// The other tests need it, however this one ends.
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		rig.Docker(ctx, "exec", c.Name, "dnetinit", "start", "kube-scheduler")
		c.Ready(t)
	})

	if unit := c.Unit(t, "kube-scheduler"); unit.State != supervisor.Stopped || unit.PID != 0 {
		t.Errorf("it is %s with pid %d", unit.State, unit.PID)
	}
	rig.Eventually(t, 10*time.Second, func() error {
		if c.Try(t, "test", "-e", "/run/dnetinit/ready").Code == 0 {
			return fmt.Errorf("the readiness file is still there")
		}
		return nil
	})
	for line, code := range map[string]int{
		"systemctl is-active kube-scheduler":    3,
		"systemctl is-active multi-user.target": 3,
		"systemctl status kube-scheduler":       3,
		"dnetinit health":                       1,
		"dnetinit wait --for=api":               0,
		// It can't come without help, so there is nothing to wait for.
		"dnetinit wait --timeout=30s": 2,
	} {
		r := c.Try(t, strings.Fields(line)...)
		if r.Code != code {
			t.Errorf("%s: status %d, want %d\n%s", line, r.Code, code, r.Output())
		}
		if code == 2 && !strings.Contains(r.Output(), "kube-scheduler") {
			t.Errorf("%s doesn't name kube-scheduler:\n%s", line, r.Output())
		}
	}

	c.Exec(t, "dnetinit", "start", "kube-scheduler")
	c.Ready(t)
	c.Exec(t, "test", "-e", "/run/dnetinit/ready")
}

func TestSystemctlStopsStartsAndRestarts(t *testing.T) {
	c := cluster(t)
	before := c.Unit(t, "kube-proxy").PID
	c.Exec(t, "systemctl", "restart", "kube-proxy")
	if after := c.Unit(t, "kube-proxy").PID; after == before || after == 0 {
		t.Errorf("the process was %d and is %d", before, after)
	}
	c.Exec(t, "systemctl", "stop", "kube-proxy.service")
	if r := c.Try(t, "systemctl", "is-active", "kube-proxy"); r.Code != 3 || r.Stdout != "inactive\n" {
		t.Errorf("once stopped: status %d, %q", r.Code, r.Stdout)
	}
	c.Exec(t, "systemctl", "start", "kube-proxy")
	c.Exec(t, "systemctl", "is-active", "kube-proxy")
	c.Ready(t)
}

func TestAServiceThatDiesIsStartedAgain(t *testing.T) {
	c := cluster(t)
	before := c.Unit(t, "kube-controller-manager")
	c.Exec(t, "kill", "-KILL", strconv.Itoa(before.PID))
	rig.Eventually(t, 30*time.Second, func() error {
		unit := c.Unit(t, "kube-controller-manager")
		if unit.State != supervisor.Ready || unit.PID == before.PID || unit.Restarts != before.Restarts+1 {
			return fmt.Errorf("%+v", unit)
		}
		return nil
	})
	c.Ready(t)
	if logs := c.Logs(t); !strings.Contains(logs, "SIGKILL") {
		t.Error("docker logs doesn't say what killed it")
	}
}

func TestPodsOutliveContainerd(t *testing.T) {
	c := cluster(t)
	n := c.Namespace(t)
	n.Kubectl(t, "run", "web", "--image", rig.AppImage, "--image-pull-policy=Never", "--", "serve")
	n.Kubectl(t, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
	const began = "--output=jsonpath={.status.containerStatuses[0].state.running.startedAt} {.status.containerStatuses[0].restartCount}"
	before := n.Kubectl(t, "get", "pod", "web", began)
	process := c.Exec(t, "pidof", "app")

	c.Exec(t, "kill", "-KILL", strconv.Itoa(c.Unit(t, "containerd").PID))
	rig.Eventually(t, 30*time.Second, func() error {
		if unit := c.Unit(t, "containerd"); unit.State != supervisor.Ready || unit.Restarts == 0 {
			return fmt.Errorf("%+v", unit)
		}
		return nil
	})
	c.Ready(t)
	c.Exec(t, "dnetinit", "restart", "containerd")
	c.Ready(t)

	if after := c.Exec(t, "pidof", "app"); after != process {
		t.Errorf("the pod's process was %q and is %q", process, after)
	}
	// A pod that is made now shows that kubelet and containerd talk again, and
	// so that what is said of the first pod is what they see.
	n.Run(t, "next", rig.AppImage, "/app", "echo", "hello")
	if after := n.Kubectl(t, "get", "pod", "web", began); after != before {
		t.Errorf("the pod's container began at %q and now at %q", before, after)
	}
}
