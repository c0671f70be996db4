package boot

import (
	"net"
	"strconv"

	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"

	"github.com/lyft/dockernetes/internal/config"
)

// Listens are the addresses that the services are going to listen on, each
// with the service that wants it.
func Listens(c *config.Config) map[string]string {
	loopback := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	everywhere := func(port int) string { return net.JoinHostPort("", strconv.Itoa(port)) }
	return map[string]string{
		everywhere(int(c.Init.LocalAPIEndpoint.BindPort)):    "kube-apiserver",
		everywhere(kubeadmconstants.KubeletPort):             "kubelet",
		loopback(kubeadmconstants.EtcdListenClientPort):      "etcd",
		loopback(kubeadmconstants.EtcdListenPeerPort):        "etcd",
		loopback(kubeadmconstants.EtcdMetricsPort):           "etcd",
		loopback(kubeadmconstants.KubeControllerManagerPort): "kube-controller-manager",
		loopback(kubeadmconstants.KubeSchedulerPort):         "kube-scheduler",
		loopback(kubeadmconstants.KubeletHealthzPort):        "kubelet",
		loopback(kubeProxyHealthPort):                        "kube-proxy",
	}
}

// kubeProxyHealthPort is where defaults.yaml has kube-proxy answer.
const kubeProxyHealthPort = 10256
