package boot

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/pkg/phases"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// recheck is the time between two looks at a milestone that has been seen.
const recheck = 10 * time.Second

// milestones is the one list of the points that "dnetinit wait --for" takes.
func milestones(c *config.Config, client *phases.Client, ask *probes) []supervisor.Milestone {
	return []supervisor.Milestone{
		{
			Name:    "api",
			Summary: "requests are served and authorised",
			Needs:   []string{"kube-apiserver"},
			Observe: ask.api,
			Recheck: recheck,
		},
		{
			Name:    "node",
			Summary: "the node is Ready",
			Needs:   []string{"kubelet", "node-registered"},
			Observe: func(ctx context.Context) error { return nodeReady(ctx, client, c.NodeName()) },
			Recheck: recheck,
		},
		{
			Name:    "default-sa",
			Summary: "pods can be created: there is the default service account",
			Needs:   []string{"kube-controller-manager"},
			Observe: func(ctx context.Context) error { return defaultServiceAccount(ctx, client) },
		},
		{
			Name:    "dns",
			Summary: "the cluster's DNS answers at its Service's address",
			Needs:   []string{"coredns", "kubelet", "kube-scheduler", "kube-controller-manager", "kube-proxy"},
			Observe: ask.dns,
			Recheck: recheck,
		},
		{
			Name:    "docker",
			Summary: "the Docker engine answers",
			Needs:   []string{"dockerd"},
			Observe: ask.docker,
			Recheck: recheck,
		},
		{
			Name:    "ready",
			Summary: "the cluster is ready for work",
			Needs: []string{
				"api", "node", "default-sa", "dns", "rbac",
				"containerd", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy",
			},
		},
	}
}

// nodeReady returns when the Node is Ready.
func nodeReady(ctx context.Context, client *phases.Client, name string) error {
	kube, err := client.Kubernetes()
	if err != nil {
		return err
	}
	return phases.WatchOne(ctx, kube.CoreV1().Nodes(), name, notReady)
}

// notReady says why the node is not Ready, or "".
func notReady(node *corev1.Node) string {
	for _, condition := range node.Status.Conditions {
		if condition.Type != corev1.NodeReady {
			continue
		}
		if condition.Status == corev1.ConditionTrue {
			return ""
		}
		return fmt.Sprintf("the node %s is not Ready: %s", node.Name, condition.Message)
	}
	return fmt.Sprintf("the node %s has not said yet whether it is Ready", node.Name)
}

// defaultServiceAccount returns when the namespace default has the account
// that pods run as: without it every pod is refused.
func defaultServiceAccount(ctx context.Context, client *phases.Client) error {
	kube, err := client.Kubernetes()
	if err != nil {
		return err
	}
	return phases.WatchOne(ctx, kube.CoreV1().ServiceAccounts(corev1.NamespaceDefault), "default",
		func(*corev1.ServiceAccount) string { return "" })
}

// errNoAnswer is what a DNS server gives that does not know the cluster yet.
var errNoAnswer = errors.New("the cluster's DNS answers, but does not know kubernetes.default yet")
