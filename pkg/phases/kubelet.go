package phases

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	kubeadmapi "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	"k8s.io/kubernetes/cmd/kubeadm/app/componentconfigs"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"

	"github.com/lyft/dockernetes/internal/config"
)

// Where the components that have configuration files find them. The kubelet's
// is where kubeadm puts it.
const (
	KubeletConfig   = kubeadmconstants.KubeletRunDirectory + "/" + kubeadmconstants.KubeletConfigurationFileName
	KubeProxyConfig = "/etc/kubernetes/kube-proxy.yaml"
)

// Kubelet writes the kubelet's configuration and makes the directory of static
// pods. kubeadm's own function for it prints to stdout, and asks systemctl
// about a resolver.
func Kubelet(c *config.Config) func(context.Context) error {
	return func(context.Context) error {
		manifests := c.Path(c.Kubelet().StaticPodPath)
		if err := os.MkdirAll(manifests, 0o755); err != nil {
			return fmt.Errorf("cannot make the directory of static pods %s: %w", manifests, err)
		}
		return writeComponent(c, componentconfigs.KubeletGroup, KubeletConfig)
	}
}

// KubeProxy writes kube-proxy's configuration.
func KubeProxy(c *config.Config) func(context.Context) error {
	return func(context.Context) error {
		return writeComponent(c, componentconfigs.KubeProxyGroup, KubeProxyConfig)
	}
}

func writeComponent(c *config.Config, group, path string) error {
	var component kubeadmapi.ComponentConfig = c.Init.ComponentConfigs[group]
	text, err := component.Marshal()
	if err != nil {
		return fmt.Errorf("cannot encode %s: %w", filepath.Base(path), err)
	}
	return write(c.Path(path), text, public)
}
