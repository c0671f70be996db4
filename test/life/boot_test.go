package life

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

func TestWaitMayBeCalledAtOnce(t *testing.T) {
	t.Parallel()
	rig.Need(t)
	c, err := rig.StartAs(t.Context(), "docker run --detach --privileged lyft/dockernetes")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if t.Failed() {
			c.Explain(ctx, t)
		}
		rig.Docker(ctx, "rm", "--force", "--volumes", c.Name)
	})

	// No boot takes a millisecond, and all that is known then is what blocks.
	soon := c.Try(t, "dnetinit", "wait", "--timeout=1ms")
	if soon.Code != 1 || soon.Took > 10*time.Second {
		t.Errorf("status %d after %v, want 1 at once:\n%s", soon.Code, soon.Took, soon.Output())
	}
	if c.Try(t, "test", "-e", "/run/dnetinit/ready").Code == 0 {
		t.Error("there is a readiness file already")
	}
	if r := c.Try(t, "systemctl", "is-active", "multi-user.target"); r.Code != 3 {
		t.Errorf("systemctl is-active: status %d and %q during the boot, want 3", r.Code, r.Output())
	}
	late := c.Try(t, "dnetinit", "wait", "--for=ready", "--timeout=1s")
	if late.Code != 1 || !regexp.MustCompile(`waiting|starting`).MatchString(late.Output()) {
		t.Errorf("status %d; it should say what is being waited for:\n%s", late.Code, late.Output())
	}

	ctx, cancel := context.WithTimeout(t.Context(), rig.BootTimeout)
	defer cancel()
	shown, err := rig.OnTerminal(ctx, "", "docker", "exec", "-it", c.Name, "dnetinit", "wait")
	if err != nil || !strings.Contains(shown, "ready") {
		t.Errorf("on a terminal: %v\n%s", err, shown)
	}
	if r := c.Try(t, "systemctl", "is-active", "multi-user.target"); r.Code != 0 {
		t.Errorf("systemctl is-active: status %d and %q", r.Code, r.Output())
	}
	for _, unit := range c.Status(t).Units {
		if unit.Restarts != 0 {
			t.Errorf("the boot took %s %d tries", unit.Name, unit.Restarts+1)
		}
	}
	logs := c.Logs(t)
	for _, unit := range []string{"containerd", "etcd", "kube-apiserver", "kubelet", "kube-proxy", "ready"} {
		if !regexp.MustCompile(`(?m)^.*\d.*\b` + unit + `\b`).MatchString(logs) {
			t.Errorf("docker logs has no line with a time for %s:\n%s", unit, logs)
		}
	}
	if lines := strings.Count(logs, "\n"); lines > 100 {
		t.Errorf("docker logs has %d lines: who is to read them?", lines)
	}
}

func TestItBootsWithLessThanEverything(t *testing.T) {
	t.Parallel()
	rig.Need(t)
	for _, test := range []struct {
		name string
		args []string
	}{
		{"with the documented list instead of --privileged", rig.DocumentedList()},
		{"with the host's view of cgroups", append([]string{"--cgroupns=host"}, rig.Privileges()...)},
		{"in a network without an outside", append([]string{"--network=" + network(t, "--internal")}, rig.Privileges()...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := rig.New(t, rig.Setup{Unprivileged: true, Args: test.args})
			c.Ready(t)
			c.BuildApp(t)
			n := c.Namespace(t)
			if said := n.Run(t, "asker", rig.AppImage, "/app", "lookup", "kubernetes.default"); said != "10.96.0.1\n" {
				t.Errorf("kubernetes.default is %q", said)
			}
			stop(t, c, "stop")
		})
	}
}

func TestTwoClustersDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	first, second := rig.New(t, rig.Setup{}), rig.New(t, rig.Setup{Args: []string{"--publish=127.0.0.1::6443"}})
	first.Ready(t)
	second.Ready(t)
	first.Exec(t, "kubectl", "create", "namespace", "only-here")
	if r := second.Try(t, "kubectl", "get", "namespace", "only-here"); r.Code == 0 || !strings.Contains(r.Stderr, "NotFound") {
		t.Errorf("the second cluster sees the first one's namespace: %s", r.Output())
	}
	if a, b := first.Exec(t, "cat", "/etc/machine-id"), second.Exec(t, "cat", "/etc/machine-id"); a == b || len(a) != 33 {
		t.Errorf("machine ids %q and %q", a, b)
	}
	uid := []string{"kubectl", "get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}"}
	if first.Exec(t, uid...) == second.Exec(t, uid...) {
		t.Error("they are one cluster")
	}
	serves(t, "https://"+second.Docker(t, "port")[len("6443/tcp -> "):], second)

	first.Docker(t, "stop")
	second.Exec(t, "dnetinit", "wait", "--timeout=1s")
	second.Exec(t, "kubectl", "get", "--raw", "/readyz")
}
