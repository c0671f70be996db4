package seed

import "strings"

// registry is before every key of the API server.
const registry = "/registry/"

// entry is one key of etcd with its value.
type entry struct {
	key   string
	value []byte
}

// kept is all that a seed has of etcd, as the keys begin below registry. What
// is not here is made by each cluster: Secrets, and whatever holds a CA (the
// ConfigMaps kube-root-ca.crt and extension-apiserver-authentication,
// ClusterTrustBundles), addresses (Endpoints, EndpointSlices, master leases),
// the Node and what is the node's, Leases, Events, the ConfigMaps with the
// configuration, and kinds that a later Kubernetes may bring.
var kept = []string{
	// The API server makes these when it finds that they are missing.
	"namespaces/",
	"apiregistration.k8s.io/apiservices/",
	"clusterroles/", "clusterrolebindings/", "roles/", "rolebindings/",
	"priorityclasses/",
	"flowschemas/", "prioritylevelconfigurations/",
	"servicecidrs/", "ipaddresses/", "ranges/", // what of the Services' addresses and ports is given out

	// The controllers' accounts, and the default ones.
	"serviceaccounts/",

	// CoreDNS, which dnetinit deploys, and the Service kubernetes.
	"services/specs/",
	"configmaps/kube-system/coredns", // its Corefile
	"deployments/", "replicasets/", "pods/",
}

// selects says whether a key goes into the seed.
func selects(key string) bool {
	path, ours := strings.CutPrefix(key, registry)
	if !ours {
		return false
	}
	for _, prefix := range kept {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
