package life

import (
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/lyft/dockernetes/test/rig"
)

// serves checks that a program of the host reaches the cluster at server, with
// the kubeconfig that the container prints for it.
func serves(t *testing.T, server string, c *rig.Cluster) {
	t.Helper()
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(c.Exec(t, "dnetinit", "kubeconfig", "--server", server)))
	if err != nil {
		t.Fatal(err)
	}
	config.Timeout = 10 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	version, err := client.ServerVersion()
	if err != nil {
		t.Errorf("%s: %v", server, err)
	} else if version.GitVersion != "v1.37.2" {
		t.Errorf("%s is %s", server, version.GitVersion)
	}
}
