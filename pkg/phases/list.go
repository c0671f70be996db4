package phases

import (
	"strings"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// List is the one list of what is done once a boot. To add a phase, write it
// in a file of its own and add it here. The order is for the reader: each
// starts the moment what it needs is there.
func List(c *config.Config, client *Client, log *zap.Logger) []supervisor.Phase {
	ipv6 := strings.Contains(c.Init.Networking.PodSubnet, ":")
	resolve, unresolve := Resolver(log)
	guard, unguard := ImageGuard(c, log)
	return []supervisor.Phase{
		// What the container has to be.
		{Name: "mounts", Summary: "mounts and devices", Run: Mounts(log)},
		{Name: "cgroups", Summary: "the container's own cgroup, fit for children", Needs: []string{"mounts"}, Run: Cgroups(log)},
		{Name: "sweep", Summary: "what an earlier run left behind, removed", Needs: []string{"cgroups"}, Run: Sweep(log)},
		{Name: "limits", Summary: "the kernel's limits, raised where they may be", Needs: []string{"mounts"}, Run: Limits(log)},
		{Name: "identity", Summary: "a machine-id of its own", Needs: []string{"mounts"}, Run: Identity(log)},
		{Name: "network", Summary: "links, sysctls, routes and the flavour of iptables", Needs: []string{"mounts"}, Run: Network(log, ipv6, strings.Split(c.Init.Networking.ServiceSubnet, ","))},
		{Name: "resolver", Summary: "a resolver that pods can reach", Needs: []string{"network"}, Run: resolve, Undo: unresolve},

		// What the programs read.
		{Name: "pki", Summary: "certificates and keys", Run: PKI(c)},
		{Name: "kubeconfigs", Summary: "kubeconfigs of the components and of the admin", Needs: []string{"pki"}, Run: Kubeconfigs(c)},
		{Name: "kubelet-config", Summary: "the kubelet's configuration", Run: Kubelet(c)},
		{Name: "kube-proxy-config", Summary: "kube-proxy's configuration", Run: KubeProxy(c)},
		{Name: "containerd-config", Summary: "containerd's configuration", Run: Containerd(c)},
		{Name: "dockerd-config", Summary: "dockerd's configuration", Run: Dockerd(c)},
		{Name: "cni", Summary: "the network of pods", Run: CNI(c)},

		// What etcd and containerd begin with.
		{Name: "etcd-seed", Summary: "the objects that every cluster has in common", Run: EtcdSeed(c, log)},
		{Name: "containerd-seed", Summary: "the boot's images, unpacked", Run: ContainerdSeed(c, log)},

		// What containerd has to have.
		{Name: "image-guard", Summary: "the cluster's images, kept from docker's prune", Run: guard, Undo: unguard},
		{Name: "images", Summary: "the images that a boot needs", Needs: []string{"containerd", "image-guard"}, Run: Images(c)},
		{Name: "pods", Summary: "nothing at the start; stops the pods at the end", Needs: []string{"containerd"}, Run: CRI, Undo: StopPods},

		// What the cluster has to have.
		{Name: "rbac", Summary: "the administrator's rights, and the API server's at the kubelet", Needs: []string{"api"}, Run: RBAC(client)},
		{Name: "root-ca", Summary: "the cluster's CA, where pods look for it", Needs: []string{"api"}, Run: RootCA(c, client)},
		{Name: "coredns", Summary: "the deployment of CoreDNS", Needs: []string{"api"}, Run: DNS(c, client)},
		{Name: "node-registered", Summary: "the node's address and role", Needs: []string{"kubelet"}, Run: Node(c, client)},
		{Name: "kubeadm-config", Summary: "the configuration, stored in the cluster for kubeadm", Needs: []string{"ready"}, Run: KubeadmConfig(c, client)},
	}
}
