package rig

import (
	"context"
	"strings"
	"testing"
	"time"
)

// Namespace is one test's part of a cluster.
type Namespace struct {
	Cluster *Cluster
	Name    string
}

// Namespace makes a namespace that is deleted when the test ends. If the test
// fails, the namespace's pods, events and logs are shown.
func (c *Cluster) Namespace(t testing.TB) *Namespace {
	t.Helper()
	n := &Namespace{Cluster: c, Name: namespaceName(t.Name())}
	c.Exec(t, "kubectl", "create", "namespace", n.Name)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience(time.Minute))
		defer cancel()
		if t.Failed() {
			n.explain(ctx, t)
		}
		c.exec(ctx, nil, "kubectl", "delete", "namespace", n.Name, "--wait=false")
	})
	return n
}

// Try runs kubectl in the namespace.
func (n *Namespace) Try(t testing.TB, args ...string) Result {
	t.Helper()
	return n.Cluster.Try(t, n.kubectl(args)...)
}

// Kubectl is Try for what must end with status 0; it returns kubectl's stdout.
func (n *Namespace) Kubectl(t testing.TB, args ...string) string {
	t.Helper()
	return n.Cluster.Exec(t, n.kubectl(args)...)
}

// Apply applies a manifest.
func (n *Namespace) Apply(t testing.TB, manifest string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience(time.Minute))
	defer cancel()
	if err := n.Cluster.exec(ctx, []byte(manifest), n.kubectl([]string{"apply", "--filename", "-"})...).Err(); err != nil {
		t.Fatal(err)
	}
}

// Run runs an image once as a pod, to its end, and returns what it wrote. A
// pod that fails fails the test.
func (n *Namespace) Run(t testing.TB, name, image string, command ...string) string {
	t.Helper()
	args := []string{"run", name, "--image", image, "--image-pull-policy", "Never", "--restart", "Never", "--command", "--"}
	n.Kubectl(t, append(args, command...)...)
	code := n.Kubectl(t, "wait", "pod/"+name, Timeout(time.Minute), "--output=jsonpath={.status.containerStatuses[0].state.terminated.exitCode}",
		"--for=jsonpath={.status.containerStatuses[0].state.terminated.finishedAt}")
	output := n.Kubectl(t, "logs", name)
	if code != "0" {
		t.Fatalf("pod %s ended with status %s:\n%s", name, code, output)
	}
	return output
}

func (n *Namespace) kubectl(args []string) []string {
	return append([]string{"kubectl", "--namespace", n.Name}, args...)
}

func (n *Namespace) explain(ctx context.Context, t testing.TB) {
	for _, args := range [][]string{
		{"get", "all", "--output=wide"},
		{"get", "events", "--sort-by=.lastTimestamp"},
	} {
		t.Logf("kubectl %s:\n%s", strings.Join(args, " "), n.Cluster.exec(ctx, nil, n.kubectl(args)...).Output())
	}
	names := n.Cluster.exec(ctx, nil, n.kubectl([]string{"get", "pods", "--output=jsonpath={.items[*].metadata.name}"})...)
	for _, pod := range strings.Fields(names.Stdout) {
		r := n.Cluster.exec(ctx, nil, n.kubectl([]string{"logs", "--all-containers", "--prefix", "--tail=20", pod})...)
		if r.Output() != "" {
			t.Logf("logs of %s:\n%s", pod, r.Output())
		}
	}
	n.Cluster.Explain(ctx, t)
}

// namespaceName makes a DNS label of a test's name.
func namespaceName(test string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return '-'
		}
	}, test)
	return strings.Trim(name[max(0, len(name)-63):], "-")
}
