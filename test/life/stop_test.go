package life

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

// dockersPatience is how long docker stop waits before it kills.
const dockersPatience = 10 * time.Second

func TestStopAndStartBringEverythingBack(t *testing.T) {
	t.Parallel()
	c := booted(t)
	c.BuildApp(t)
	n := &rig.Namespace{Cluster: c, Name: "default"}
	n.Kubectl(t, "create", "configmap", "remember", "--from-literal=me=yes")
	n.Kubectl(t, "create", "deployment", "web", "--image", rig.AppImage)
	n.Kubectl(t, "patch", "deployment", "web", "--type=json", "--patch", `[
		{"op": "add", "path": "/spec/template/spec/containers/0/imagePullPolicy", "value": "Never"},
		{"op": "add", "path": "/spec/template/spec/containers/0/args", "value": ["serve"]}]`)
	n.Kubectl(t, "expose", "deployment", "web", "--port=80", "--target-port=8080")
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
	before := identity(t, c)

	stop(t, c, "stop")
	c.Docker(t, "start")
	c.Ready(t)

	if after := identity(t, c); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
	if nodes := n.Kubectl(t, "get", "nodes", "--output=name"); nodes != "node/dockernetes\n" {
		t.Errorf("the nodes are %q", nodes)
	}
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
	if said := n.Run(t, "asker", rig.AppImage, "/app", "get", "http://web/"); said != "ok\n" {
		t.Errorf("the service answers %q", said)
	}
	if said := c.Exec(t, "docker", "run", "--rm", rig.AppImage, "echo", "still here"); said != "still here\n" {
		t.Errorf("docker's container says %q", said)
	}

	// A kill is no goodbye, and what is left over must not be in the way.
	c.Docker(t, "kill", "--signal=KILL")
	c.Docker(t, "wait")
	c.Docker(t, "start")
	c.Ready(t)
	if after := identity(t, c); after != before {
		t.Errorf("after a kill it is\n%s\nand was\n%s", after, before)
	}
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
}

func TestEachSignalOfAnEndIsHeeded(t *testing.T) {
	t.Parallel()
	c := rig.New(t, rig.Setup{})
	for _, signal := range []string{"SIGTERM", "SIGINT", "SIGPWR", "SIGRTMIN+3"} {
		// The boot is interrupted somewhere in its middle, except for the last.
		if signal == "SIGRTMIN+3" {
			c.Ready(t)
		} else if r := c.Try(t, "dnetinit", "wait", "--for=api"); r.Code != 0 {
			t.Fatal(r.Err())
		}
		stop(t, c, "kill", "--signal="+signal)
		c.Docker(t, "start")
	}
	// The boot has hardly begun.
	running := len(c.Logs(t))
	rig.Eventually(t, 20*time.Second, func() error {
		if len(c.Logs(t)) == running {
			return errors.New("docker logs has no first line")
		}
		return nil
	})
	stop(t, c, "stop")
}

// stop stops the container by a docker command and checks that it ends well.
func stop(t *testing.T, c *rig.Cluster, command ...string) {
	t.Helper()
	begun := time.Now()
	c.Docker(t, command...)
	status := c.Docker(t, "wait")
	if took := time.Since(begun); took >= dockersPatience {
		t.Errorf("docker %v: it took %v", command, took)
	}
	if status != "0" {
		t.Errorf("docker %v: exit status %s\n%s", command, status, c.Logs(t))
	}
}

// identity is what must not change over a restart.
func identity(t *testing.T, c *rig.Cluster) string {
	t.Helper()
	var lines []string
	for _, what := range []string{"namespace/kube-system", "node/dockernetes", "configmap/remember", "service/web", "deployment/web"} {
		uid := c.Exec(t, "kubectl", "get", what, "--output=jsonpath={.metadata.uid}")
		lines = append(lines, fmt.Sprintf("%s %s", what, uid))
	}
	lines = append(lines, c.Exec(t, "cat", "/etc/machine-id"))
	return strings.Join(lines, "\n")
}
