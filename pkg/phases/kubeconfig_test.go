package phases

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"
)

func TestKubeconfigsAreForTheirUsersAndTalkOverLoopback(t *testing.T) {
	c := testConfig(t, testHost, "")
	mustDo(t, PKI(c)(t.Context()))
	mustDo(t, Kubeconfigs(c)(t.Context()))
	want := map[string]string{
		"super-admin.conf":        "CN=kubernetes-super-admin,O=system:masters",
		"admin.conf":              "CN=kubernetes-admin,O=kubeadm:cluster-admins",
		"controller-manager.conf": "CN=system:kube-controller-manager",
		"scheduler.conf":          "CN=system:kube-scheduler",
		"kubelet.conf":            "CN=system:node:dockernetes,O=system:nodes",
		"kube-proxy.conf":         "CN=system:kube-proxy",
	}
	for file, subject := range want {
		path := c.Path("/etc/kubernetes/" + file)
		loaded, err := clientcmd.LoadFromFile(path)
		mustDo(t, err)
		context := loaded.Contexts[loaded.CurrentContext]
		if got := loaded.Clusters[context.Cluster].Server; got != "https://127.0.0.1:6443" {
			t.Errorf("%s is for the server %s", file, got)
		}
		certs, err := certutil.ParseCertsPEM(loaded.AuthInfos[context.AuthInfo].ClientCertificateData)
		mustDo(t, err)
		if got := certs[0].Subject.String(); got != subject {
			t.Errorf("%s is for %s, not %s", file, got, subject)
		}
		info, err := os.Stat(path)
		mustDo(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %o", file, info.Mode().Perm())
		}
	}
	if target, err := os.Readlink(c.Path("/root/.kube/config")); err != nil || target != "/etc/kubernetes/admin.conf" {
		t.Errorf("kubectl's default is a link to %q: %v", target, err)
	}
}

func TestKubeconfigsAreMadeAnewWhenTheyNoLongerFit(t *testing.T) {
	all := []string{"admin.conf", "controller-manager.conf", "kube-proxy.conf", "kubelet.conf", "scheduler.conf", "super-admin.conf"}
	const otherPort = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint: {bindPort: 7443}\n"
	tests := map[string]struct {
		user    string
		do      func(dir string) error
		changed []string
	}{
		"nothing has changed": {do: func(string) error { return nil }},
		"the port is another": {user: otherPort, do: func(string) error { return nil }, changed: all},
		"one is missing":      {do: func(dir string) error { return os.Remove(filepath.Join(dir, "kubelet.conf")) }, changed: []string{"kubelet.conf"}},
		"one is half written": {do: func(dir string) error { return os.Truncate(filepath.Join(dir, "admin.conf"), 300) }, changed: []string{"admin.conf"}},
		"the CA is a new one": {do: func(dir string) error { return os.RemoveAll(filepath.Join(dir, "pki")) }, changed: all},
		"one is another one's": {do: func(dir string) error {
			return copyFile(filepath.Join(dir, "admin.conf"), filepath.Join(dir, "scheduler.conf"))
		}, changed: []string{"scheduler.conf"}},
		"others may read the one": {do: func(dir string) error { return os.Chmod(filepath.Join(dir, "admin.conf"), 0o644) }, changed: []string{"admin.conf"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t, testHost, "")
			mustDo(t, PKI(c)(t.Context()))
			mustDo(t, Kubeconfigs(c)(t.Context()))
			dir := c.Path("/etc/kubernetes")
			before := tree(t, dir)
			mustDo(t, test.do(dir))

			c2 := testConfig(t, testHost, test.user)
			c2.Root = c.Root
			mustDo(t, PKI(c2)(t.Context()))
			mustDo(t, Kubeconfigs(c2)(t.Context()))
			got := slices.DeleteFunc(changed(before, tree(t, dir)), func(name string) bool { return strings.HasPrefix(name, "pki/") })
			if !slices.Equal(got, test.changed) {
				t.Errorf("made anew: %v, not %v", got, test.changed)
			}
		})
	}
}

func TestAKubectlConfigurationOfSomebodyElseStays(t *testing.T) {
	c := testConfig(t, testHost, "")
	path := c.Path("/root/.kube/config")
	mustDo(t, os.MkdirAll(filepath.Dir(path), 0o700))
	mustDo(t, os.WriteFile(path, []byte("mine"), 0o600))
	mustDo(t, PKI(c)(t.Context()))
	mustDo(t, Kubeconfigs(c)(t.Context()))
	if got := mustRead(t, path); got != "mine" {
		t.Errorf("it holds %q", got)
	}
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}
