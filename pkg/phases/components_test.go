package phases

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kubeproxyconfig "k8s.io/kube-proxy/config/v1alpha1"
	kubeletconfig "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"

	"github.com/lyft/dockernetes/internal/config"
)

func mustDecode(t *testing.T, path string, into any) {
	t.Helper()
	mustDo(t, yaml.UnmarshalStrict([]byte(mustRead(t, path)), into))
}

func TestTheKubeletAndKubeProxyFindTheirConfiguration(t *testing.T) {
	c := testConfig(t, testHost, "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 42\n")
	mustDo(t, Kubelet(c)(t.Context()))
	mustDo(t, KubeProxy(c)(t.Context()))

	var kubelet kubeletconfig.KubeletConfiguration
	mustDecode(t, c.Path("/var/lib/kubelet/config.yaml"), &kubelet)
	if kubelet.MaxPods != 42 || kubelet.CgroupDriver != "cgroupfs" || kubelet.TLSCertFile != "/etc/kubernetes/pki/kubelet.crt" ||
		kubelet.ContainerRuntimeEndpoint != "unix:///run/containerd/containerd.sock" || kubelet.RotateCertificates {
		t.Errorf("the kubelet's is %+v", kubelet)
	}
	if info, err := os.Stat(c.Path("/etc/kubernetes/manifests")); err != nil || !info.IsDir() {
		t.Errorf("the directory of static pods: %v", err)
	}
	var proxy kubeproxyconfig.KubeProxyConfiguration
	mustDecode(t, c.Path("/etc/kubernetes/kube-proxy.yaml"), &proxy)
	if proxy.Mode != "nftables" || proxy.ClientConnection.Kubeconfig != "/etc/kubernetes/kube-proxy.conf" || *proxy.Conntrack.MaxPerCore != 0 {
		t.Errorf("kube-proxy's is %+v", proxy)
	}
}

func TestCNIGivesPodsTheFirstSubnet(t *testing.T) {
	c := testConfig(t, testHost, "")
	mustDo(t, CNI(c)(t.Context()))
	var got map[string]any
	mustDo(t, json.Unmarshal([]byte(mustRead(t, c.Path("/etc/cni/net.d/10-dnetinit.conflist"))), &got))
	want := map[string]any{
		"cniVersion": "1.0.0", "name": "dnetinit",
		"plugins": []any{
			map[string]any{
				"type": "ptp", "ipMasq": true, "ipMasqBackend": "nftables", "mtu": 1450.,
				"ipam": map[string]any{
					"type": "host-local", "dataDir": "/run/cni",
					"ranges": []any{[]any{map[string]any{"subnet": "10.244.0.0/24"}}},
					"routes": []any{map[string]any{"dst": "0.0.0.0/0"}},
				},
			},
			map[string]any{"type": "portmap", "capabilities": map[string]any{"portMappings": true}, "backend": "nftables"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheFirstNodesSubnet(t *testing.T) {
	for podSubnet, want := range map[string]string{
		"10.244.0.0/16": "10.244.0.0/24",
		"172.20.5.0/24": "172.20.5.0/24",
		"10.1.2.3/8":    "10.0.0.0/24",
		"fd00:10::/56":  "fd00:10::/64",
		"10.244.0.0/25": "",
		"all":           "",
	} {
		got, err := firstNodeSubnet(podSubnet)
		if want == "" && err == nil || want != "" && got.String() != want {
			t.Errorf("of %s: %s, %v", podSubnet, got, err)
		}
	}
}

func TestContainerdFollowsTheHost(t *testing.T) {
	tests := map[string]struct {
		host config.Host
		want []string
	}{
		"a host that can do everything": {testHost, []string{"snapshotter = 'overlayfs'", "restrict_oom_score_adj = false"}},
		"state on overlay, no CAP_SYS_RESOURCE": {
			config.Host{NodeIP: "10.0.0.2", StateOnOverlay: true},
			[]string{"snapshotter = 'native'", "restrict_oom_score_adj = true"},
		},
	}
	for name, test := range tests {
		c := testConfig(t, test.host, "")
		mustDo(t, Containerd(c)(t.Context()))
		text := mustRead(t, c.Path("/etc/containerd/config.toml"))
		for _, want := range append(test.want, "sandbox = 'dockernetes.dev/pause:", "config_path = '/etc/containerd/certs.d'", "SystemdCgroup = false") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: there is no %q in\n%s", name, want, text)
			}
		}
	}
}

func TestDockerdSharesContainerdAndTheUserHasTheLastWord(t *testing.T) {
	c := testConfig(t, testHost, "")
	user := c.Path("/etc/docker/daemon.json")
	mustDo(t, os.MkdirAll(filepath.Dir(user), 0o755))
	mustDo(t, os.WriteFile(user, []byte(`{"log-level": "debug", "registry-mirrors": ["https://mirror.example.com"]}`), 0o600))
	mustDo(t, Dockerd(c)(t.Context()))
	got := map[string]any{}
	mustDo(t, json.Unmarshal([]byte(mustRead(t, c.Path("/run/dnetinit/dockerd.json"))), &got))
	for key, want := range map[string]any{
		"containerd-namespace": "k8s.io", "ip-forward-no-drop": true, "storage-driver": "overlayfs", "mtu": 1450.,
		"log-level": "debug", "registry-mirrors": []any{"https://mirror.example.com"}, "hosts": []any{"fd://"},
	} {
		if diff := cmp.Diff(want, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	mustDo(t, os.WriteFile(user, []byte(`{`), 0o600))
	if err := Dockerd(c)(t.Context()); err == nil || !strings.Contains(err.Error(), "/etc/docker/daemon.json") {
		t.Errorf("with a broken file the error is %v", err)
	}
}

func TestWriteLeavesARightFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	mustDo(t, write(path, []byte("x"), secret))
	before, err := os.Stat(path)
	mustDo(t, err)
	mustDo(t, write(path, []byte("x"), secret))
	after, err := os.Stat(path)
	mustDo(t, err)
	if !os.SameFile(before, after) {
		t.Error("it was written again")
	}
	mustDo(t, write(path, []byte("y"), secret))
	if got := mustRead(t, path); got != "y" {
		t.Errorf("it holds %q", got)
	}
	err = write(filepath.Join(path, "below-a-file"), nil, public)
	if err == nil || !errors.Is(err, os.ErrNotExist) && !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("below a file the error is %v", err)
	}
}
