package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kubeadmapi "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
)

var testHost = Host{
	Hostname: "box", NodeIP: "172.17.0.2", MTU: 1500,
	CgroupV2: true, CPUController: true, SysResource: true, Nftables: true,
}

// load is Load with text as the user's file.
func load(t *testing.T, host Host, text string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, func(string) string { return "" }, host)
}

func mustLoad(t *testing.T, host Host, text string) *Config {
	t.Helper()
	c, err := load(t, host, text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheDefaultsMakeACluster(t *testing.T) {
	c := mustLoad(t, testHost, "")
	dns, err := c.DNSAddress()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"node name":       c.NodeName(),
		"node IP":         c.NodeIP(),
		"taints":          len(c.Init.NodeRegistration.Taints),
		"CRI socket":      c.Init.NodeRegistration.CRISocket,
		"version":         c.Init.KubernetesVersion,
		"keys":            c.Init.EncryptionAlgorithm,
		"pods":            c.Init.Networking.PodSubnet,
		"DNS":             dns,
		"SANs":            strings.Join(c.Init.APIServer.CertSANs, " "),
		"loopback":        c.LoopbackAPI(),
		"kubelet rotates": c.Kubelet().RotateCertificates,
		"kubelet cgroups": c.Kubelet().CgroupDriver,
		"cgroup v1":       *c.Kubelet().FailCgroupV1,
		"anonymous":       *c.Kubelet().Authentication.Anonymous.Enabled,
		"resolv.conf":     *c.Kubelet().ResolverConfig,
		"proxy mode":      string(c.KubeProxy().Mode),
		"proxy name":      c.KubeProxy().HostnameOverride,
		"proxy user":      c.KubeProxy().ClientConnection.Kubeconfig,
		"conntrack":       *c.KubeProxy().Conntrack.MaxPerCore,
		"docker off":      c.Own.Docker.Disabled,
	}
	want := map[string]any{
		"node name":       "dockernetes",
		"node IP":         "172.17.0.2",
		"taints":          0,
		"CRI socket":      "unix:///run/containerd/containerd.sock",
		"version":         "v1.37.2",
		"keys":            kubeadmapi.EncryptionAlgorithmECDSAP256,
		"pods":            "10.244.0.0/16",
		"DNS":             "10.96.0.10",
		"SANs":            "localhost 127.0.0.1 docker kubernetes box 172.17.0.2",
		"loopback":        "127.0.0.1:6443",
		"kubelet rotates": false,
		"kubelet cgroups": "cgroupfs",
		"cgroup v1":       false,
		"anonymous":       false,
		"resolv.conf":     "/run/dnetinit/resolv.conf",
		"proxy mode":      "nftables",
		"proxy name":      "dockernetes",
		"proxy user":      "/etc/kubernetes/kube-proxy.conf",
		"conntrack":       int32(0),
		"docker off":      false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the defaults differ (-want +got):\n%s", diff)
	}
}

func TestTheHostDecidesWhatTheUserDoesNot(t *testing.T) {
	bare := Host{Hostname: "box", NodeIP: "10.0.0.7"}
	c := mustLoad(t, bare, "")
	if got := c.KubeProxy().Mode; got != "iptables" {
		t.Errorf("without nftables kube-proxy's mode is %q", got)
	}
	if got := *c.Kubelet().CPUCFSQuota; got {
		t.Error("without a cpu controller the kubelet still sets CPU quotas")
	}
	if got := *c.Kubelet().OOMScoreAdj; got != 0 {
		t.Errorf("without CAP_SYS_RESOURCE the kubelet's oomScoreAdj is %d", got)
	}
	c = mustLoad(t, bare, "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: nftables\n")
	if got := c.KubeProxy().Mode; got != "nftables" {
		t.Errorf("the user asked for nftables and gets %q", got)
	}
}

func TestTheUsersValuesWin(t *testing.T) {
	c := mustLoad(t, testHost, `
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  serviceSubnet: 10.100.0.0/16
apiServer:
  certSANs: [cluster.example.com]
controllerManager:
  extraArgs:
  - {name: kube-api-qps, value: "50"}
  - {name: v, value: "4"}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: 20
evictionHard: {nodefs.available: 5%}
---
apiVersion: dockernetes.dev/v1alpha1
kind: Dockernetes
docker: {disabled: true}
`)
	if got := c.Init.Networking; got.ServiceSubnet != "10.100.0.0/16" || got.PodSubnet != "10.244.0.0/16" {
		t.Errorf("networking is %+v", got)
	}
	if got := c.Kubelet(); got.MaxPods != 20 || got.ClusterDNS[0] != "10.100.0.10" || got.EvictionHard["nodefs.available"] != "5%" || got.EvictionHard["memory.available"] != "0%" {
		t.Errorf("the kubelet's configuration is %+v", got)
	}
	if !c.Own.Docker.Disabled {
		t.Error("docker is not disabled")
	}
	args := map[string]string{}
	for _, a := range c.Init.ControllerManager.ExtraArgs {
		if _, twice := args[a.Name]; twice {
			t.Errorf("--%s is given twice", a.Name)
		}
		args[a.Name] = a.Value
	}
	if args["kube-api-qps"] != "50" || args["v"] != "4" || args["leader-elect"] != "false" {
		t.Errorf("extraArgs are %v", args)
	}
	if got := strings.Join(c.Init.APIServer.CertSANs, " "); got != "localhost 127.0.0.1 docker kubernetes box 172.17.0.2 cluster.example.com" {
		t.Errorf("certSANs are %s", got)
	}
}

func TestAWrongConfigurationIsRefused(t *testing.T) {
	const (
		cluster = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
		initial = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n"
		kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
	)
	tests := map[string]struct {
		text string
		want []string // what the message says
	}{
		"an unknown field is named with its path": {
			cluster + "networking:\n  podSubnets: 10.0.0.0/8\n",
			[]string{"config.yaml, document 1 (from line 1)", "ClusterConfiguration", `unknown field "networking.podSubnets"`, "correct it or remove it"},
		},
		"the document is counted": {
			"---\n" + cluster + "---\n" + kubelet + "maxPod: 3\n",
			[]string{"document 2 (from line 4)", "KubeletConfiguration", `unknown field "maxPod"`},
		},
		"a value of the wrong type": {
			kubelet + "maxPods: many\n",
			[]string{"document 1", "maxPods"},
		},
		"a field of ours is unknown": {
			"apiVersion: dockernetes.dev/v1alpha1\nkind: Dockernetes\ndockre: {}\n",
			[]string{"Dockernetes", "dockre"},
		},
		"an unknown kind lists the known ones": {
			"apiVersion: v1\nkind: ConfigMap\n",
			[]string{`kind is "ConfigMap"`, "ClusterConfiguration (kubeadm.k8s.io/v1beta4)", "Dockernetes (dockernetes.dev/v1alpha1)"},
		},
		"an old version says which one it has to be": {
			"apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n",
			[]string{`"kubeadm.k8s.io/v1beta3"`, "it has to be kubeadm.k8s.io/v1beta4"},
		},
		"text that is no YAML": {
			"kind: [\n",
			[]string{"document 1", "not a YAML document"},
		},
		"a list is no document": {
			"- a\n- b\n",
			[]string{"document 1", "not a YAML document"},
		},
		"a field given twice": {
			cluster + "clusterName: a\nclusterName: b\n",
			[]string{"document 1", "clusterName", "already"},
		},
		"two documents of one kind": {
			kubelet + "---\n" + kubelet,
			[]string{"document 2 (from line 3)", "second KubeletConfiguration", "document 1 (from line 1)", "merge the two"},
		},
		"another version than the image's": {
			cluster + "kubernetesVersion: v1.36.0\n",
			[]string{"kubernetesVersion is v1.36.0", "this image holds v1.37.2"},
		},
		"what kubeadm finds invalid": {
			cluster + "networking:\n  serviceSubnet: all\n",
			[]string{"config.yaml", "all"},
		},
		"what would be without effect": {
			initial + "patches:\n  directory: /patches\n",
			[]string{"document 1", "InitConfiguration.patches", "not supported", "extraArgs"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, testHost, test.text)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message lacks %q: %v", want, err)
				}
			}
		})
	}
}

func TestTheEnvironmentNamesOrHoldsTheConfiguration(t *testing.T) {
	const text = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 7\n"
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"the text": text, "a path": path} {
		c, err := Load("/none", func(string) string { return value }, testHost)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.Kubelet().MaxPods != 7 {
			t.Errorf("%s: maxPods is %d", name, c.Kubelet().MaxPods)
		}
	}
	if _, err := Load("/none", func(string) string { return "/not/there" }, testHost); err == nil || !strings.Contains(err.Error(), "$DNET_CONFIG") {
		t.Errorf("a path that is not there: %v", err)
	}
	if _, err := Load("/none", func(string) string { return "" }, testHost); err != nil {
		t.Errorf("without any file: %v", err)
	}
}

func TestANullGivesUpstreamsDefaultAgain(t *testing.T) {
	c := mustLoad(t, testHost, "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nevictionHard: null\n")
	if got := c.Kubelet().EvictionHard; got != nil {
		t.Errorf("evictionHard is %v", got)
	}
}

func TestLoopbackInitLeavesTheConfigurationAlone(t *testing.T) {
	c := mustLoad(t, testHost, "")
	loopback := c.LoopbackInit()
	if got := loopback.LocalAPIEndpoint.AdvertiseAddress; got != "127.0.0.1" {
		t.Errorf("the copy's address is %s", got)
	}
	if got := c.NodeIP(); got != "172.17.0.2" {
		t.Errorf("the original's address is %s", got)
	}
}
