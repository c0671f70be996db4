package life

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
	"github.com/lyft/dockernetes/test/rig"
)

// What a user sees of an etcd that dies again and again, and of one that is
// frozen, and that all is well once it is over.
func TestAClusterThatIsNotReadySaysWhyEverywhere(t *testing.T) {
	t.Parallel()
	c := booted(t, "--env=DNET_CHAOS=1")
	absent := func() error {
		if c.Try(t, "test", "-e", "/run/dnetinit/ready").Code == 0 {
			return fmt.Errorf("the readiness file is still there")
		}
		return nil
	}

	t.Run("degraded", func(t *testing.T) {
		killing := c.Background(t, "dnetinit", "chaos", "kill", "etcd", "--for=45s")
		rig.Eventually(t, 10*time.Second, absent)
		rig.Eventually(t, 30*time.Second, func() error {
			if u := c.Unit(t, "etcd"); u.State != supervisor.Degraded {
				return fmt.Errorf("etcd is %s", u.State)
			}
			return nil
		})
		u := c.Unit(t, "etcd")
		if u.Reason != "killed by SIGKILL" || len(u.LastLog) == 0 || u.Chaos != "kill for 45s" {
			t.Errorf("the status says %+v", u)
		}
		waited := c.Try(t, "dnetinit", "wait", "--timeout=20s")
		if waited.Code != 2 {
			t.Errorf("wait ends with status %d", waited.Code)
		}
		health := c.Try(t, "dnetinit", "health")
		if health.Code != 1 {
			t.Errorf("health ends with status %d", health.Code)
		}
		for what, text := range map[string]string{
			"wait": waited.Output(), "health": health.Output(), "docker logs": c.Logs(t),
		} {
			if !killed(text) {
				t.Errorf("%s doesn't say that etcd was killed:\n%s", what, text)
			}
		}
		rig.Eventually(t, 15*time.Second, func() error { // the engine asks every 10 s
			if text := c.Inspect(t, "{{range .State.Health.Log}}{{.Output}}{{end}}"); !killed(text) {
				return fmt.Errorf("docker inspect doesn't say that etcd was killed:\n%s", text)
			}
			return nil
		})
		for what, text := range map[string]string{"wait": waited.Output(), "docker logs": c.Logs(t)} {
			if !strings.Contains(text, "| ") {
				t.Errorf("%s doesn't have the last lines of etcd's log:\n%s", what, text)
			}
		}
		killing.Line(t, 60*time.Second, func(line string) bool { return line == "etcd: kill is over" })
		c.Ready(t)
		c.Exec(t, "test", "-e", "/run/dnetinit/ready")
	})

	t.Run("frozen", func(t *testing.T) {
		before := c.Unit(t, "etcd")
		freezing := c.Background(t, "dnetinit", "chaos", "freeze", "etcd", "--for=20s")
		rig.Eventually(t, 18*time.Second, absent)
		if r := c.Try(t, "dnetinit", "health"); r.Code != 1 || !strings.HasPrefix(r.Output(), "not ready: ") || !strings.Contains(r.Output(), "not seen any more") {
			t.Errorf("health: status %d, %s", r.Code, r.Output()) // it names what was looked at first: api or node
		}
		freezing.Line(t, 40*time.Second, func(line string) bool { return line == "etcd: freeze is over" })
		c.Ready(t)
		c.Exec(t, "test", "-e", "/run/dnetinit/ready")
		if after := c.Unit(t, "etcd"); after.PID != before.PID || after.Chaos != "" {
			t.Errorf("it was %+v\nand is %+v", before, after)
		}
	})
}

func TestChaosIsRefusedUnlessTheContainerAllowsIt(t *testing.T) {
	t.Parallel()
	c := rig.New(t, rig.Setup{})
	if r := c.Try(t, "dnetinit", "wait", "--for=etcd"); r.Code != 0 {
		t.Fatal(r.Err())
	}
	r := c.Try(t, "dnetinit", "chaos", "kill", "etcd")
	if r.Code != 1 || !strings.Contains(r.Output(), "DNET_CHAOS=1") {
		t.Errorf("status %d: %s", r.Code, r.Output())
	}
	if u := c.Unit(t, "etcd"); u.Restarts != 0 {
		t.Errorf("it was done: %+v", u)
	}
}

// killed tells if a text says that etcd was.
func killed(text string) bool {
	return strings.Contains(text, "etcd") && strings.Contains(text, "killed by SIGKILL")
}
