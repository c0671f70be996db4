package life

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

func TestAPruneTakesNothingThatKubernetesNeeds(t *testing.T) {
	t.Parallel()
	c := booted(t)
	c.BuildApp(t)
	n := &rig.Namespace{Cluster: c, Name: "default"}
	n.Kubectl(t, "create", "deployment", "web", "--image", rig.AppImage)
	n.Kubectl(t, "patch", "deployment", "web", "--type=json", "--patch", `[
		{"op": "add", "path": "/spec/template/spec/containers/0/imagePullPolicy", "value": "Never"},
		{"op": "add", "path": "/spec/template/spec/containers/0/args", "value": ["serve"]}]`)
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
	c.Build(t, "unused:dev", "/root/unused", "FROM scratch\nCOPY Dockerfile /\n")

	c.Exec(t, "docker", "system", "prune", "--all", "--force")

	if images := c.Exec(t, "docker", "images", "--quiet", "unused:dev"); strings.TrimSpace(images) != "" {
		t.Error("what nobody needs is still there")
	}
	// Whether anything is missing shows when containers are made anew.
	n.Kubectl(t, "--namespace=kube-system", "rollout", "restart", "deployment/coredns")
	n.Kubectl(t, "--namespace=kube-system", "rollout", "status", "deployment/coredns", "--timeout=90s")
	n.Kubectl(t, "scale", "deployment/web", "--replicas=3")
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
	if said := n.Run(t, "asker", rig.AppImage, "/app", "lookup", "kubernetes.default"); said != "10.96.0.1\n" {
		t.Errorf("kubernetes.default is %q", said)
	}
	restarts := func() string {
		return n.Kubectl(t, "get", "pods", "--selector=app=web", "--output=jsonpath={.items[*].status.containerStatuses[*].restartCount}")
	}
	n.Kubectl(t, "exec", "deployment/web", "--", "/app", "echo", "still here")
	rig.Eventually(t, 10*time.Second, func() error {
		if got := restarts(); got != "0 0 0" {
			return fmt.Errorf("restarts: %s", got)
		}
		return nil
	})
}
