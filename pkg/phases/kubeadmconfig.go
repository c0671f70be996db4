package phases

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeadmapi "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	kubeadmapiv1 "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/v1beta4"
	"k8s.io/kubernetes/cmd/kubeadm/app/componentconfigs"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"
	"k8s.io/kubernetes/cmd/kubeadm/app/phases/uploadconfig"
	kubeadmconfig "k8s.io/kubernetes/cmd/kubeadm/app/util/config"

	"github.com/lyft/dockernetes/internal/config"
)

// KubeadmConfig stores the configuration in the cluster where kubeadm looks
// for it ("kubeadm token", "kubeadm join"), readable for nodes. kubeadm's own
// function for it prints to stdout.
func KubeadmConfig(c *config.Config, client *Client) func(context.Context) error {
	return func(ctx context.Context) error {
		kube, err := client.Kubernetes()
		if err != nil {
			return err
		}
		stored, err := storedConfigs(c)
		if err != nil {
			return err
		}
		core, roles := kube.CoreV1().ConfigMaps(metav1.NamespaceSystem), kube.RbacV1()
		for _, s := range stored {
			meta := metav1.ObjectMeta{Name: s.role, Namespace: metav1.NamespaceSystem}
			if err := put(ctx, core, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Name: s.name, Namespace: metav1.NamespaceSystem},
				Data:       map[string]string{s.key: s.text},
			}); err != nil {
				return err
			}
			if err := create(ctx, roles.Roles(metav1.NamespaceSystem), &rbac.Role{
				ObjectMeta: meta,
				Rules:      []rbac.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{s.name}}},
			}); err != nil {
				return err
			}
			if err := create(ctx, roles.RoleBindings(metav1.NamespaceSystem), &rbac.RoleBinding{
				ObjectMeta: meta,
				RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "Role", Name: s.role},
				Subjects: []rbac.Subject{
					{APIGroup: rbac.GroupName, Kind: rbac.GroupKind, Name: kubeadmconstants.NodeBootstrapTokenAuthGroup},
					{APIGroup: rbac.GroupName, Kind: rbac.GroupKind, Name: kubeadmconstants.NodesGroup},
				},
			}); err != nil {
				return err
			}
		}
		return nil
	}
}

// storedConfig is a ConfigMap and the role that may read it.
type storedConfig struct{ name, key, role, text string }

func storedConfigs(c *config.Config) ([]storedConfig, error) {
	cluster := c.Init.ClusterConfiguration.DeepCopy()
	cluster.ComponentConfigs = kubeadmapi.ComponentConfigMap{}
	clusterText, err := kubeadmconfig.MarshalKubeadmConfigObject(cluster, kubeadmapiv1.SchemeGroupVersion)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the ClusterConfiguration: %w", err)
	}
	kubeletText, err := c.Init.ComponentConfigs[componentconfigs.KubeletGroup].Marshal()
	if err != nil {
		return nil, fmt.Errorf("cannot encode the KubeletConfiguration: %w", err)
	}
	return []storedConfig{
		{kubeadmconstants.KubeadmConfigConfigMap, kubeadmconstants.ClusterConfigurationConfigMapKey, uploadconfig.NodesKubeadmConfigClusterRoleName, string(clusterText)},
		{kubeadmconstants.KubeletBaseConfigurationConfigMap, kubeadmconstants.KubeletBaseConfigurationConfigMapKey, kubeadmconstants.KubeletBaseConfigMapRole, string(kubeletText)},
	}, nil
}
