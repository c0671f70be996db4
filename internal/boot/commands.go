package boot

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	kubeadmapi "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"
	"k8s.io/kubernetes/cmd/kubeadm/app/phases/controlplane"
	"k8s.io/kubernetes/cmd/kubeadm/app/phases/etcd"
	kubeadmutil "k8s.io/kubernetes/cmd/kubeadm/app/util"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/pkg/phases"
)

// commands are the command lines and environments of the services that have
// flags.
type commands map[string]commandLine

type commandLine struct{ argv, env []string }

// commandLines takes the flags of the control plane and of etcd from the pods
// that kubeadm would make of them, so that they are upstream's own and follow
// the user's configuration.
func commandLines(c *config.Config) (commands, error) {
	all := commands{
		"kubelet":    {argv: kubeletCommand(c)},
		"kube-proxy": {argv: []string{"kube-proxy", "--config=" + phases.KubeProxyConfig}},
		"dockerd":    {argv: []string{"dockerd", "--config-file=" + phases.DockerdConfig}},
	}
	noProxy := []kubeadmapi.EnvVar{} // the container's own environment has them
	for name, pod := range controlplane.GetStaticPodSpecs(&c.Init.ClusterConfiguration, &c.Init.LocalAPIEndpoint, noProxy) {
		if err := all.add(name, pod); err != nil {
			return nil, err
		}
	}
	if c.Init.Etcd.Local != nil {
		// With a loopback address: nobody else needs etcd, and a peer address
		// that changes would be another member.
		pod := etcd.GetEtcdPodSpec(&c.Init.ClusterConfiguration, &c.LoopbackInit().LocalAPIEndpoint, c.NodeName(), nil)
		if err := all.add("etcd", pod); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (all commands) add(name string, pod corev1.Pod) error {
	container := pod.Spec.Containers[0]
	line := commandLine{argv: container.Command}
	for _, v := range container.Env {
		if v.ValueFrom != nil {
			return fmt.Errorf("extraEnvs of %s: %s has a valueFrom, which is for pods only; give it a value", name, v.Name)
		}
		line.env = append(line.env, v.Name+"="+v.Value)
	}
	all[name] = line
	return nil
}

// kubeletCommand has the flags that kubeadm gives a kubelet, and the user's.
func kubeletCommand(c *config.Config) []string {
	flags := []kubeadmapi.Arg{
		{Name: "config", Value: phases.KubeletConfig},
		{Name: "kubeconfig", Value: kubeadmconstants.GetKubeletKubeConfigPath()},
		{Name: "hostname-override", Value: c.NodeName()},
	}
	if taints := c.Init.NodeRegistration.Taints; len(taints) > 0 {
		texts := make([]string, 0, len(taints))
		for _, taint := range taints {
			texts = append(texts, taint.ToString())
		}
		flags = append(flags, kubeadmapi.Arg{Name: "register-with-taints", Value: strings.Join(texts, ",")})
	}
	return append([]string{"kubelet"}, kubeadmutil.ArgumentsToCommand(flags, c.Init.NodeRegistration.KubeletExtraArgs)...)
}
