package boot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap/zaptest"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

var testHost = config.Host{
	Hostname: "box", NodeIP: "172.17.0.2", MTU: 1500,
	CgroupV2: true, CPUController: true, SysResource: true, Nftables: true,
}

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, func(string) string { return "" }, testHost)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustGraph(t *testing.T, text string) supervisor.Graph {
	t.Helper()
	g, err := Graph(load(t, text), zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const (
	noDocker  = "apiVersion: dockernetes.dev/v1alpha1\nkind: Dockernetes\ndocker: {disabled: true}\n"
	noAddons  = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\ndns: {disabled: true}\nproxy: {disabled: true}\n"
	elsewhere = `apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
etcd:
  local: null
  external: {endpoints: ["https://10.0.0.9:2379"], caFile: /ca, certFile: /cert, keyFile: /key}
`
)

func TestTheGraphHasNoUnknownNeedAndNoCycle(t *testing.T) {
	for name, text := range map[string]string{"the defaults": "", "no docker": noDocker, "no addons": noAddons, "etcd elsewhere": elsewhere} {
		t.Run(name, func(t *testing.T) {
			g := mustGraph(t, text)
			for i := range g.Services {
				g.Services[i].Sockets = nil // which New would open
			}
			if _, err := supervisor.New(g, supervisor.Options{Log: zaptest.NewLogger(t), LogDir: t.TempDir()}); err != nil {
				t.Error(err)
			}
		})
	}
}

func names(g supervisor.Graph) []string {
	var all []string
	for _, s := range g.Services {
		all = append(all, s.Name)
	}
	for _, m := range g.Milestones {
		all = append(all, m.Name)
	}
	return all
}

func TestTheGraphHasTheServicesAndMilestonesThatUsersKnow(t *testing.T) {
	want := []string{
		"containerd", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "dockerd",
		"api", "node", "default-sa", "dns", "docker", "ready",
	}
	if got := names(mustGraph(t, "")); !slices.Equal(got, want) {
		t.Errorf("they are %v, not %v", got, want)
	}
	without := func(out ...string) []string {
		return slices.DeleteFunc(slices.Clone(want), func(n string) bool { return slices.Contains(out, n) })
	}
	if got, want := names(mustGraph(t, noDocker)), without("dockerd", "docker"); !slices.Equal(got, want) {
		t.Errorf("without docker they are %v, not %v", got, want)
	}
	if got, want := names(mustGraph(t, noAddons)), without("kube-proxy", "dns"); !slices.Equal(got, want) {
		t.Errorf("without addons they are %v, not %v", got, want)
	}
	if got, want := names(mustGraph(t, elsewhere)), without("etcd"); !slices.Equal(got, want) {
		t.Errorf("with an etcd elsewhere they are %v, not %v", got, want)
	}
}

func TestWhatTalksToTheAPIWaitsUntilItIsAuthorised(t *testing.T) {
	for _, s := range mustGraph(t, "").Services {
		if slices.Contains([]string{"kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"}, s.Name) && !slices.Contains(s.Needs, "api") {
			t.Errorf("%s needs %v, and not api", s.Name, s.Needs)
		}
	}
}

func TestDockerdDoesNotHoldTheBootUp(t *testing.T) {
	g := mustGraph(t, "")
	for _, m := range g.Milestones {
		if m.Name == "ready" && slices.Contains(m.Needs, "dockerd") {
			t.Error("ready needs dockerd")
		}
	}
	for _, s := range g.Services {
		if s.Name == "dockerd" && (s.Defer != "ready" || len(s.Sockets) != 1 || s.Sockets[0].Path != "/var/run/docker.sock") {
			t.Errorf("dockerd waits for %q and has the sockets %v", s.Defer, s.Sockets)
		}
	}
}

func TestEveryUnitSaysWhatItIs(t *testing.T) {
	g := mustGraph(t, "")
	for _, p := range g.Phases {
		if p.Summary == "" || p.Run == nil {
			t.Errorf("the phase %s has no summary or does nothing", p.Name)
		}
	}
	for _, s := range g.Services {
		if s.Summary == "" || len(s.Command) == 0 || s.Ready.Probe == nil {
			t.Errorf("the service %s has no summary, no command or no probe", s.Name)
		}
	}
	for _, m := range g.Milestones {
		if m.Summary == "" {
			t.Errorf("the milestone %s has no summary", m.Name)
		}
	}
}

// flags returns the flags of a service; one that is given twice is an error.
func flags(t *testing.T, g supervisor.Graph, service string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, s := range g.Services {
		if s.Name != service {
			continue
		}
		for _, arg := range s.Command[1:] {
			name, value, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
			if _, twice := all[name]; twice {
				t.Errorf("%s has --%s twice", service, name)
			}
			all[name] = value
		}
	}
	return all
}

func TestCommandLinesHaveTheFlagsThatMatter(t *testing.T) {
	g := mustGraph(t, "")
	want := map[string]map[string]string{
		"etcd": {
			"name":                        "dockernetes",
			"data-dir":                    "/var/lib/etcd",
			"listen-client-urls":          "https://127.0.0.1:2379",
			"advertise-client-urls":       "https://127.0.0.1:2379",
			"listen-peer-urls":            "https://127.0.0.1:2380",
			"initial-advertise-peer-urls": "https://127.0.0.1:2380",
			"initial-cluster":             "dockernetes=https://127.0.0.1:2380",
			"listen-metrics-urls":         "http://127.0.0.1:2381",
			"client-cert-auth":            "true",
			"peer-client-cert-auth":       "true",
		},
		"kube-apiserver": {
			"advertise-address":        "172.17.0.2",
			"secure-port":              "6443",
			"etcd-servers":             "https://127.0.0.1:2379",
			"service-cluster-ip-range": "10.96.0.0/12",
			"authorization-mode":       "Node,RBAC",
			"enable-admission-plugins": "NodeRestriction",
		},
		"kube-controller-manager": {
			"kube-api-qps":                    "1000",
			"kube-api-burst":                  "2000",
			"leader-elect":                    "false",
			"cluster-cidr":                    "10.244.0.0/16",
			"allocate-node-cidrs":             "true",
			"bind-address":                    "127.0.0.1",
			"kubeconfig":                      "/etc/kubernetes/controller-manager.conf",
			"tls-cert-file":                   "/etc/kubernetes/pki/kube-controller-manager.crt",
			"use-service-account-credentials": "true",
		},
		"kube-scheduler": {
			"kube-api-qps": "1000", "kube-api-burst": "2000", "leader-elect": "false",
			"kubeconfig": "/etc/kubernetes/scheduler.conf", "tls-cert-file": "/etc/kubernetes/pki/kube-scheduler.crt",
		},
		"kubelet": {
			"config": "/var/lib/kubelet/config.yaml", "kubeconfig": "/etc/kubernetes/kubelet.conf",
			"hostname-override": "dockernetes", "node-ip": "172.17.0.2",
		},
		"kube-proxy": {"config": "/etc/kubernetes/kube-proxy.yaml"},
		"dockerd":    {"config-file": "/run/dnetinit/dockerd.json"},
	}
	for service, expected := range want {
		got := flags(t, g, service)
		for name, value := range expected {
			if got[name] != value {
				t.Errorf("%s has --%s=%s, not %s", service, name, got[name], value)
			}
		}
	}
}

func TestTheUsersFlagsAndVariablesReachTheServices(t *testing.T) {
	g := mustGraph(t, `
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer:
  extraArgs: [{name: v, value: "4"}, {name: authorization-mode, value: AlwaysAllow}]
  extraEnvs: [{name: GODEBUG, value: http2debug=1}]
etcd:
  local:
    extraArgs: [{name: snapshot-count, value: "5"}]
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration:
  name: mine
  kubeletExtraArgs: [{name: node-ip, value: 10.9.9.9}, {name: v, value: "3"}]
  taints: [{key: a, value: b, effect: NoSchedule}]
`)
	for service, expected := range map[string]map[string]string{
		"kube-apiserver": {"v": "4", "authorization-mode": "AlwaysAllow"},
		"etcd":           {"snapshot-count": "5", "listen-client-urls": "https://127.0.0.1:2379", "name": "mine"},
		"kubelet":        {"v": "3", "node-ip": "10.9.9.9", "hostname-override": "mine", "register-with-taints": "a=b:NoSchedule"},
	} {
		got := flags(t, g, service)
		for name, value := range expected {
			if got[name] != value {
				t.Errorf("%s has --%s=%s, not %s", service, name, got[name], value)
			}
		}
	}
	for _, s := range g.Services {
		if s.Name == "kube-apiserver" && !slices.Contains(s.Env, "GODEBUG=http2debug=1") {
			t.Errorf("the API server's variables are %v", s.Env)
		}
	}
}

func TestAVariableThatOnlyAPodCanHaveIsRefused(t *testing.T) {
	c := load(t, `
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
scheduler:
  extraEnvs: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
`)
	if _, err := Graph(c, zaptest.NewLogger(t)); err == nil || !strings.Contains(err.Error(), "kube-scheduler") || !strings.Contains(err.Error(), "IP") {
		t.Errorf("the error is %v", err)
	}
}
