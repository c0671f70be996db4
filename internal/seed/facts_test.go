package seed

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lyft/dockernetes/internal/config"
)

// load is the configuration with these fields of the documents that begin so.
func load(t *testing.T, text string) *config.Config {
	t.Helper()
	getenv := func(name string) string {
		if name == "DNET_CONFIG" && text != "" {
			return text + "\n"
		}
		return ""
	}
	c, err := config.Load(t.TempDir()+"/none", getenv, config.Host{Hostname: "box", NodeIP: "172.17.0.2", CgroupV2: true, CPUController: true, Nftables: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	cluster = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
	node    = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n"
	kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
)

func TestASeedFitsWhereWhatIsInItIsTheSame(t *testing.T) {
	// As it comes out of the seed's file.
	text, err := json.Marshal(FactsOf(load(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	var made Facts
	if err := json.Unmarshal(text, &made); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, config, differs string }{
		{"nothing is configured", "", ""},
		{"another subnet of pods is the node's business", cluster + "networking: {podSubnet: 10.1.0.0/16}", ""},
		{"names in a certificate", cluster + "apiServer: {certSANs: [ci]}", ""},
		{"more to be logged", cluster + "apiServer: {extraArgs: [{name: v, value: '4'}, {name: audit-log-path, value: '-'}]}", ""},
		{"a kubelet with fewer pods", kubelet + "maxPods: 20", ""},
		{"a tainted node", node + "nodeRegistration: {taints: [{key: a, effect: NoSchedule}]}", ""},
		{"etcd's data elsewhere", cluster + "etcd: {local: {dataDir: /data}}", ""},

		{"another subnet of Services", cluster + "networking: {serviceSubnet: 10.200.0.0/16}", "networking.serviceSubnet"},
		{"another domain", cluster + "networking: {dnsDomain: corp.local}", "networking.dnsDomain"},
		{"another name of the node", node + "nodeRegistration: {name: other}", "the node's name"},
		{"another CoreDNS", cluster + "dns: {imageTag: v9}", "the image of CoreDNS"},
		{"no CoreDNS", cluster + "dns: {disabled: true}", "the image of CoreDNS"},
		{"another port", node + "localAPIEndpoint: {bindPort: 7443}", "localAPIEndpoint.bindPort"},
		{"a feature gate of Kubernetes", cluster + "apiServer: {extraArgs: [{name: feature-gates, value: 'A=true'}]}", "the extra arguments of kube-apiserver"},
		{"encryption at rest", cluster + "apiServer: {extraArgs: [{name: encryption-provider-config, value: /e.yaml}]}", "the extra arguments of kube-apiserver"},
		{"another prefix", cluster + "apiServer: {extraArgs: [{name: etcd-prefix, value: /r}]}", "the extra arguments of kube-apiserver"},
		{"fewer controllers", cluster + "controllerManager: {extraArgs: [{name: controllers, value: '*,-a'}]}", "the extra arguments of kube-controller-manager"},
		{"another etcd", cluster + "etcd: {local: {extraArgs: [{name: name, value: x}]}}", "the extra arguments of etcd"},
		{"a variable for the API server", cluster + "apiServer: {extraEnvs: [{name: A, value: b}]}", "the extra arguments of kube-apiserver"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := made.differs(FactsOf(load(t, test.config))); got != test.differs {
				t.Errorf("they differ in %q, not in %q", got, test.differs)
			}
		})
	}
}

func TestASeedOfAnotherVersionDoesNotFit(t *testing.T) {
	other := FactsOf(load(t, ""))
	other.Kubernetes = "v1.0.0"
	if got := other.differs(FactsOf(load(t, ""))); !strings.Contains(got, "version") {
		t.Errorf("they differ in %q", got)
	}
}
