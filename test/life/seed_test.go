package life

import (
	"slices"
	"strings"
	"testing"

	"github.com/lyft/dockernetes/test/rig"
)

// seeded skips a test where the image was built without a seed.
func seeded(t *testing.T, c *rig.Cluster) {
	t.Helper()
	if c.Try(t, "test", "-e", "/usr/share/dnetinit/seed/seed.json").Code != 0 {
		t.Skip("this image has no seed")
	}
}

// uids are the UIDs of every object in the cluster, of every kind that can be listed.
func uids(t *testing.T, c *rig.Cluster) []string {
	t.Helper()
	kinds := strings.Fields(c.Exec(t, "kubectl", "api-resources", "--verbs=list", "--output=name"))
	kinds = slices.DeleteFunc(kinds, func(kind string) bool { return kind == "componentstatuses" })
	return strings.Fields(c.Exec(t, "kubectl", "get", strings.Join(kinds, ","), "--all-namespaces",
		"--output=jsonpath={range .items[*]}{.metadata.uid}{\"\\n\"}{end}"))
}

// shared are those of b that a has too.
func shared(a, b []string) []string {
	in := map[string]bool{}
	for _, x := range a {
		in[x] = true
	}
	return slices.DeleteFunc(slices.Clone(b), func(x string) bool { return !in[x] })
}

func TestTwoClustersShareNoSecretAndNoIdentity(t *testing.T) {
	t.Parallel()
	first, second := rig.New(t, rig.Setup{}), rig.New(t, rig.Setup{})
	first.Ready(t)
	second.Ready(t)
	for what, script := range map[string]string{
		// Each private key that is in a file, also those in kubeconfigs, by its hash.
		"keys":                `find /etc/kubernetes /var/lib/kubelet /var/lib/etcd -type f '(' -name '*.key' -o -name '*.conf' -o -name '*.pem' ')' -exec sha256sum {} + | cut -c 1-64`,
		"certificates":        `find /etc/kubernetes /var/lib/kubelet -type f -name '*.crt' -exec sha256sum {} + | cut -c 1-64`,
		"CAs that pods trust": `kubectl get configmap --all-namespaces --field-selector=metadata.name=kube-root-ca.crt --output=jsonpath='{range .items[*]}{.data}{"\n"}{end}' | tr -d ' ' | sort -u`,
		"signers of tokens":   `kubectl get --raw /openid/v1/jwks | tr -d ' '`,
		"tokens":              `kubectl create token default`,
	} {
		a, b := strings.Fields(first.Shell(t, script)), strings.Fields(second.Shell(t, script))
		if len(a) == 0 || len(a) != len(b) {
			t.Errorf("%d and %d %s", len(a), len(b), what)
		}
		if same := shared(a, b); len(same) > 0 {
			t.Errorf("both have these %s: %s", what, same)
		}
	}
	if secrets := first.Exec(t, "kubectl", "get", "secrets", "--all-namespaces", "--output=name"); secrets != "" {
		t.Errorf("a new cluster has the Secrets %s", secrets)
	}
	a, b := uids(t, first), uids(t, second)
	if len(a) < 200 || len(b) < 200 {
		t.Errorf("they have %d and %d objects", len(a), len(b))
	}
	if same := shared(a, b); len(same) > 0 {
		t.Errorf("%d objects of both have the same UID: %s", len(same), same)
	}
}

func TestTheSeedHoldsNothingSecret(t *testing.T) {
	t.Parallel()
	c := booted(t)
	seeded(t, c)
	found := c.Try(t, "grep", "--recursive", "--files-with-matches", "--binary-files=text", "--extended-regexp",
		"BEGIN [A-Z ]*(KEY|CERTIFICATE)|LS0tLS1CRUdJTi|eyJ[A-Za-z0-9_-]{10,}[.]eyJ", "/usr/share/dnetinit/seed")
	if found.Code != 1 {
		t.Errorf("status %d, and these files look as if they held some: %s", found.Code, found.Output())
	}
	for _, address := range []string{c.Address(t), "172.17.0.", "172.31."} {
		if r := c.Try(t, "grep", "--recursive", "--fixed-strings", "--quiet", address, "/usr/share/dnetinit/seed/etcd"); r.Code != 1 {
			t.Errorf("the seed has the address %s", address)
		}
	}
}

func TestTheObjectsOfANewClusterAreNew(t *testing.T) {
	t.Parallel()
	c := booted(t)
	begun := c.Exec(t, "stat", "--format=%Y", "/proc/1")
	script := `for at in $(kubectl get namespaces,deployments,pods,clusterroles,apiservices --all-namespaces --output=jsonpath='{range .items[*]}{.metadata.creationTimestamp}{"\n"}{end}'); do
		[ "$(date --date="$at" +%s)" -ge $(($0 - 5)) ] || echo "$at"
	done`
	if old := c.Exec(t, "sh", "-c", script, strings.TrimSpace(begun)); old != "" {
		t.Errorf("some were created before the container was started: %s", old)
	}
	// Nothing is left of the pod's life in another container.
	if said := c.Exec(t, "kubectl", "get", "pods", "--all-namespaces", "--output=jsonpath={.items[*].status.containerStatuses[*].restartCount}"); said != "0" {
		t.Errorf("the restarts of the pods: %q", said)
	}
}

func TestARestartPlantsNothing(t *testing.T) {
	t.Parallel()
	c := booted(t)
	uid := []string{"kubectl", "get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}"}
	before := c.Exec(t, uid...)
	c.Exec(t, "kubectl", "create", "configmap", "remember", "--from-literal=me=yes")
	c.Docker(t, "restart")
	c.Ready(t)
	if after := c.Exec(t, uid...); after != before {
		t.Errorf("kube-system was %s and is %s", before, after)
	}
	c.Exec(t, "kubectl", "get", "configmap", "remember")
}

func TestAnotherSubnetOfServicesBootsFromNothing(t *testing.T) {
	t.Parallel()
	config := "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking: {serviceSubnet: 10.200.0.0/16, dnsDomain: corp.local}\n"
	c := booted(t, "--env", "DNET_CONFIG="+config)
	if address := c.Exec(t, "kubectl", "get", "service", "kubernetes", "--output=jsonpath={.spec.clusterIP}"); address != "10.200.0.1" {
		t.Errorf("the Service kubernetes has the address %s", address)
	}
	c.BuildApp(t)
	if said := c.Namespace(t).Run(t, "asker", rig.AppImage, "/app", "lookup", "kubernetes.default.svc.corp.local"); said != "10.200.0.1\n" {
		t.Errorf("kubernetes.default is %q", said)
	}
}

func TestTheBootsImagesAreNotCopied(t *testing.T) {
	t.Parallel()
	c := booted(t)
	seeded(t, c)
	blobs := "/var/lib/containerd/io.containerd.content.v1.content/blobs/sha256"
	if links := c.Exec(t, "find", blobs, "-type", "l"); strings.Count(links, "\n") < 6 {
		t.Errorf("in %s there are only the links %q", blobs, links)
	}
	// They can be used as any other.
	image := strings.TrimSpace(c.Exec(t, "kubectl", "get", "deployment", "coredns", "--namespace=kube-system", "--output=jsonpath={.spec.template.spec.containers[0].image}"))
	size := c.Shell(t, "docker save "+image+" | wc -c")
	if len(strings.TrimSpace(size)) < 8 {
		t.Errorf("docker save writes %s bytes", size)
	}
	if said := c.Exec(t, "docker", "run", "--rm", image, "-version"); !strings.Contains(said, "CoreDNS-") {
		t.Errorf("a container of it says %q", said)
	}
	c.Shell(t, "cd /root && printf 'FROM "+image+"\\nLABEL a=b\\n' > Dockerfile && docker build --quiet --tag more:dev .")
}

func TestWithoutASeedTheClusterIsMadeFromNothing(t *testing.T) {
	t.Parallel()
	c := rig.New(t, rig.Setup{Args: []string{"--tmpfs", "/usr/share/dnetinit/seed"}})
	c.Ready(t)
	if links := c.Exec(t, "find", "/var/lib/containerd/io.containerd.content.v1.content", "-type", "l"); links != "" {
		t.Errorf("there are links: %s", links)
	}
	c.BuildApp(t)
	if said := c.Namespace(t).Run(t, "asker", rig.AppImage, "/app", "lookup", "kubernetes.default"); said != "10.96.0.1\n" {
		t.Errorf("kubernetes.default is %q", said)
	}
}
