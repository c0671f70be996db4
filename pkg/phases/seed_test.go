package phases

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap/zaptest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/internal/seed"
)

// seeded puts a seed for the configuration of another into c's image.
func seeded(t *testing.T, c, other *config.Config) {
	t.Helper()
	text, err := json.Marshal(seed.Manifest{
		Facts: seed.FactsOf(other),
		Etcd:  seed.Etcd{Files: []seed.File{{Path: "member/snap/db", Size: 10}}},
	})
	mustDo(t, err)
	for path, content := range map[string]string{"seed.json": string(text), "etcd/member/snap/db": "objects", "meta.db": "images", "metadata.db": "layers"} {
		path = filepath.Join(c.Path(seed.Dir), path)
		mustDo(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)))
	}
}

func TestEtcdBeginsWithTheSeedWhereThatFits(t *testing.T) {
	const (
		document = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"
		otherNet = document + "networking: {serviceSubnet: 10.200.0.0/16}\n"
		otherDir = document + "etcd: {local: {dataDir: /data}}\n"
	)
	for name, test := range map[string]struct{ text, want string }{
		"the defaults":                {"", "/var/lib/etcd/member/snap/db"},
		"its data somewhere else":     {otherDir, "/data/member/snap/db"},
		"another subnet for Services": {otherNet, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t, testHost, test.text)
			mustDo(t, EtcdSeed(c, zaptest.NewLogger(t))(t.Context())) // there is none
			seeded(t, c, testConfig(t, testHost, ""))
			for range 2 { // and a restart
				mustDo(t, EtcdSeed(c, zaptest.NewLogger(t))(t.Context()))
			}
			if test.want == "" {
				if _, err := os.Stat(c.Path("/var/lib/etcd/member")); err == nil {
					t.Error("etcd has the seed")
				}
				return
			}
			content, err := os.ReadFile(c.Path(test.want))
			if err != nil || string(content) != "objects\x00\x00\x00" {
				t.Errorf("etcd has %q, and %v", content, err)
			}
		})
	}
}

func TestContainerdBeginsWithTheSeedWhereItsLayersCanBeStacked(t *testing.T) {
	for snapshotter, overlay := range map[string]bool{"overlayfs": false, "native": true} {
		host := testHost
		host.StateOnOverlay = overlay
		c := testConfig(t, host, "")
		mustDo(t, ContainerdSeed(c, zaptest.NewLogger(t))(t.Context())) // there is none
		seeded(t, c, c)
		for range 2 { // and a restart
			mustDo(t, ContainerdSeed(c, zaptest.NewLogger(t))(t.Context()))
		}
		_, err := os.Stat(c.Path("/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"))
		if (err == nil) == overlay {
			t.Errorf("with the snapshotter %s: %v", snapshotter, err)
		}
	}
}

func TestTheClustersCAIsWherePodsLookForIt(t *testing.T) {
	c := testConfig(t, testHost, "")
	kube := fake.NewClientset(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: rootCA, Namespace: "default"}, Data: map[string]string{"ca.crt": "of an earlier CA"},
	})
	if err := RootCA(c, clientOf(kube))(t.Context()); err == nil {
		t.Error("there is no CA, and no error")
	}
	path := c.Path("/etc/kubernetes/pki/ca.crt")
	mustDo(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("the CA"), 0o644)))
	for range 2 {
		mustDo(t, RootCA(c, clientOf(kube))(t.Context()))
	}
	for _, namespace := range []string{"kube-system", "default"} {
		got, err := kube.CoreV1().ConfigMaps(namespace).Get(t.Context(), rootCA, metav1.GetOptions{})
		if err != nil || got.Data["ca.crt"] != "the CA" {
			t.Errorf("in %s it is %v, and %v", namespace, got, err)
		}
	}
}
