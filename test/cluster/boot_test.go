package cluster

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

func TestTheOldScriptsLineSucceedsWithoutAWord(t *testing.T) {
	c := cluster(t)
	if said := c.Exec(t, "systemctl", "is-active", "--quiet", "multi-user.target"); said != "" {
		t.Errorf("--quiet, but it says %q", said)
	}
}

func TestAShellOnATerminalHasEverythingAtHand(t *testing.T) {
	c := cluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	input := "kubectl cluster-info\ndocker ps --all\nkubectl get nodes\nexit 3\n"
	shown, err := rig.OnTerminal(ctx, input, "docker", "exec", "-it", c.Name, "/bin/sh")
	if err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("the shell's exit status is lost: %v", err)
	}
	for _, want := range []string{"Kubernetes control plane", "CoreDNS", "CONTAINER ID", "dockernetes"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown in:\n%s", want, shown)
		}
	}
}

func TestTheEngineSeesAHealthyContainer(t *testing.T) {
	c := cluster(t)
	rig.Eventually(t, 30*time.Second, func() error {
		if health := c.Inspect(t, "{{.State.Health.Status}}"); health != "healthy" {
			return fmt.Errorf("health is %s: %s", health, c.Inspect(t, "{{json .State.Health.Log}}"))
		}
		return nil
	})
	c.Exec(t, "dnetinit", "health")
}

func TestTheNodeIsReadyForAnything(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	for what, path := range map[string]string{
		"taints":                                "{.items[*].spec.taints}",
		"the label that load balancers avoid":   `{.items[*].metadata.labels.node\.kubernetes\.io/exclude-from-external-load-balancers}`,
		"a disk, memory or process pressure":    `{.items[*].status.conditions[?(@.type!="Ready")].status}`,
		"more or fewer nodes than one, unready": `{.items[*].status.conditions[?(@.type=="Ready")].status}`,
	} {
		got := c.Exec(t, "kubectl", "get", "nodes", "--output=jsonpath="+path)
		switch {
		case strings.HasPrefix(what, "more"):
			if got != "True" {
				t.Errorf("ready nodes: %q", got)
			}
		case strings.Contains(got, "True") || (got != "" && !strings.HasPrefix(what, "a disk")):
			t.Errorf("the node has %s: %s", what, got)
		}
	}
	version := c.Exec(t, "kubectl", "version")
	if strings.Count(version, "v1.37.2") != 2 {
		t.Errorf("client and server are not both v1.37.2:\n%s", version)
	}
}
