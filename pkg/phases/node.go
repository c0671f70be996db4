package phases

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"

	"github.com/lyft/dockernetes/internal/config"
)

// Node waits until the kubelet has registered the node with the address that
// the container has now, and gives it the role that "kubectl get nodes" shows.
// kubeadm adds a label that keeps load balancers off a control plane; the only
// node does not get it.
//
// kube-proxy waits for this: it looks for the node's address once a second,
// and exits when the address changes.
func Node(c *config.Config, client *Client) func(context.Context) error {
	return func(ctx context.Context) error {
		kube, err := client.Kubernetes()
		if err != nil {
			return err
		}
		nodes := kube.CoreV1().Nodes()
		if err := WatchOne(ctx, nodes, c.NodeName(), func(node *corev1.Node) string { return wrongAddress(node, c.NodeIP()) }); err != nil {
			return fmt.Errorf("cannot see the node registered: %w", err)
		}
		patch := fmt.Sprintf(`{"metadata":{"labels":{%q:""}}}`, kubeadmconstants.LabelNodeRoleControlPlane)
		if _, err := nodes.Patch(ctx, c.NodeName(), types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			return fmt.Errorf("cannot label the node %s: %w", c.NodeName(), err)
		}
		return nil
	}
}

// wrongAddress says what is wrong with the node's addresses, or "".
func wrongAddress(node *corev1.Node, want string) string {
	if slices.ContainsFunc(node.Status.Addresses, func(a corev1.NodeAddress) bool {
		return a.Type == corev1.NodeInternalIP && (a.Address == want || want == "")
	}) {
		return ""
	}
	return fmt.Sprintf("the node %s has the addresses %v, and %s is not among them", node.Name, node.Status.Addresses, want)
}
