package phases

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"

	"github.com/lyft/dockernetes/internal/config"
)

// rootCA is the ConfigMap that every pod mounts. The controller manager makes
// one in each namespace, a little after it has started.
const rootCA = "kube-root-ca.crt"

// RootCA makes that ConfigMap in the namespaces whose pods may be the first:
// the kubelet tries a mount that has failed only half a second later.
func RootCA(c *config.Config, client *Client) func(context.Context) error {
	return func(ctx context.Context) error {
		path := c.Path(filepath.Join(c.Init.CertificatesDir, kubeadmconstants.CACertName))
		ca, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cannot read the cluster's CA: %w", err)
		}
		kube, err := client.Kubernetes()
		if err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		for _, namespace := range []string{metav1.NamespaceSystem, metav1.NamespaceDefault} {
			group.Go(func() error {
				return put(ctx, kube.CoreV1().ConfigMaps(namespace), &corev1.ConfigMap{
					ObjectMeta: metav1.ObjectMeta{
						Name: rootCA, Namespace: namespace,
						// The controller manager gives it one if it has none.
						Annotations: map[string]string{"kubernetes.io/description": "The CA by which the API server is known, for those inside of the cluster."},
					},
					Data: map[string]string{"ca.crt": string(ca)},
				})
			})
		}
		return group.Wait()
	}
}
