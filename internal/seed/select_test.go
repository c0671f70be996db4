package seed

import "testing"

func TestOnlyWhatEveryClusterHasIsSelected(t *testing.T) {
	for key, want := range map[string]bool{
		"/registry/namespaces/kube-system":                                        true,
		"/registry/clusterroles/admin":                                            true,
		"/registry/serviceaccounts/default/default":                               true,
		"/registry/services/specs/kube-system/kube-dns":                           true,
		"/registry/configmaps/kube-system/coredns":                                true,
		"/registry/pods/kube-system/coredns-6968fb4d56-frl47":                     true,
		"/registry/apiregistration.k8s.io/apiservices/v1.":                        true,
		"/registry/secrets/kube-system/bootstrap-token-abcdef":                    false,
		"/registry/configmaps/default/kube-root-ca.crt":                           false,
		"/registry/configmaps/kube-system/kube-root-ca.crt":                       false,
		"/registry/configmaps/kube-public/cluster-info":                           false,
		"/registry/configmaps/kube-system/extension-apiserver-authentication":     false,
		"/registry/configmaps/kube-system/kubeadm-config":                         false,
		"/registry/clustertrustbundles/kubernetes.io:kube-apiserver-serving:b561": false,
		"/registry/services/endpoints/kube-system/kube-dns":                       false,
		"/registry/endpointslices/default/kubernetes":                             false,
		"/registry/masterleases/172.17.0.2":                                       false,
		"/registry/peerserverleases/apiserver-siwr":                               false,
		"/registry/minions/dockernetes":                                           false,
		"/registry/csinodes/dockernetes":                                          false,
		"/registry/leases/kube-node-lease/dockernetes":                            false,
		"/registry/events/default/dockernetes.18ea":                               false,
		"/registry/certificatesigningrequests/csr-1":                              false,
		"/registry/a-kind-that-is-not-known/a":                                    false,
		"compact_rev_key":                                                         false,
	} {
		if selects(key) != want {
			t.Errorf("%s is selected: %v", key, !want)
		}
	}
}
