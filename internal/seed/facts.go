package seed

import (
	"maps"
	"slices"
	"strings"

	kubeadmapi "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"

	"github.com/lyft/dockernetes/internal/config"
)

// Facts are what of a configuration stands in a cluster's objects when it has
// just become ready, or decides how etcd holds them. A seed fits a
// configuration that has the same.
//
// The subnet of pods is none of them: only the Node and the addresses of pods
// have it, and these are not in a seed.
type Facts struct {
	Kubernetes    string              `json:"kubernetes"`
	NodeName      string              `json:"nodeName"`      // CoreDNS's pod is bound to it
	ServiceSubnet string              `json:"serviceSubnet"` // the Services' addresses, and what is allocated
	DNSDomain     string              `json:"dnsDomain"`     // CoreDNS's configuration
	DNSImage      string              `json:"dnsImage"`      // CoreDNS's Deployment; "" without CoreDNS
	APIPort       int32               `json:"apiPort"`       // of the Service "kubernetes"
	Arguments     map[string][]string `json:"arguments"`     // of what writes objects, and of etcd
}

// harmless begin the names of arguments that change nothing in etcd.
var harmless = []string{"v=", "vmodule=", "audit-", "oidc-", "kube-api-qps=", "kube-api-burst="}

// FactsOf returns the facts of the configuration c.
func FactsOf(c *config.Config) Facts {
	cluster := &c.Init.ClusterConfiguration
	f := Facts{
		Kubernetes:    cluster.KubernetesVersion,
		NodeName:      c.NodeName(),
		ServiceSubnet: cluster.Networking.ServiceSubnet,
		DNSDomain:     cluster.Networking.DNSDomain,
		APIPort:       c.Init.LocalAPIEndpoint.BindPort,
		Arguments: map[string][]string{
			"kube-apiserver":          arguments(cluster.APIServer.ControlPlaneComponent),
			"kube-controller-manager": arguments(cluster.ControllerManager),
		},
	}
	if !cluster.DNS.Disabled {
		f.DNSImage = cluster.DNS.ImageRepository + "/coredns:" + cluster.DNS.ImageTag
	}
	if local := cluster.Etcd.Local; local != nil {
		f.Arguments["etcd"] = arguments(kubeadmapi.ControlPlaneComponent{ExtraArgs: local.ExtraArgs, ExtraEnvs: local.ExtraEnvs})
	}
	return f
}

func arguments(component kubeadmapi.ControlPlaneComponent) []string {
	all := []string{} // never null in JSON
	for _, a := range component.ExtraArgs {
		text := a.Name + "=" + a.Value
		if !slices.ContainsFunc(harmless, func(prefix string) bool { return strings.HasPrefix(text, prefix) }) {
			all = append(all, text)
		}
	}
	for _, e := range component.ExtraEnvs {
		all = append(all, "$"+e.Name+"="+e.Value)
	}
	return all
}

// differs names the first fact in which two differ, or returns "".
func (f Facts) differs(want Facts) string {
	for _, fact := range []struct {
		name string
		same bool
	}{
		{"the version of Kubernetes", f.Kubernetes == want.Kubernetes},
		{"the node's name", f.NodeName == want.NodeName},
		{"networking.serviceSubnet", f.ServiceSubnet == want.ServiceSubnet},
		{"networking.dnsDomain", f.DNSDomain == want.DNSDomain},
		{"the image of CoreDNS", f.DNSImage == want.DNSImage},
		{"localAPIEndpoint.bindPort", f.APIPort == want.APIPort},
	} {
		if !fact.same {
			return fact.name
		}
	}
	for _, component := range slices.Sorted(maps.Keys(want.Arguments)) {
		if !slices.Equal(f.Arguments[component], want.Arguments[component]) {
			return "the extra arguments of " + component
		}
	}
	return ""
}
