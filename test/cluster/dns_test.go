package cluster

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

func TestNamesResolveFromAPod(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Kubectl(t, "create", "service", "clusterip", "web", "--tcp=80:8080")
	n.Kubectl(t, "run", "asker", "--image", rig.AppImage, "--image-pull-policy=Never", "--", "sleep", "1h")
	n.Kubectl(t, "wait", "pod/asker", "--for=condition=Ready", "--timeout=60s")
	web := n.Kubectl(t, "get", "service", "web", "--output=jsonpath={.spec.clusterIP}")
	for _, test := range []struct{ name, address string }{
		{"web", web},
		{"web." + n.Name, web},
		{"web." + n.Name + ".svc.cluster.local", web},
		{"kubernetes.default", "10.96.0.1"},
		{"kubernetes.default.svc.cluster.local.", "10.96.0.1"},
		{"kube-dns.kube-system.svc", "10.96.0.10"},
	} {
		r := n.Try(t, "exec", "asker", "--", "/app", "lookup", test.name)
		if strings.TrimSpace(r.Stdout) != test.address {
			t.Errorf("%s is %q, want %s %v", test.name, r.Stdout, test.address, r.Err())
		}
	}
	if r := n.Try(t, "exec", "asker", "--", "/app", "lookup", "nosuch."+n.Name); r.Code == 0 {
		t.Errorf("nosuch is %q", r.Stdout)
	}
	// A name of the world outside: the first that the container itself
	// resolves. Package life has a test that needs no world.
	outside := outsideName(t, n.Cluster)
	if outside == "" {
		t.Log("no name outside resolves in the container itself, so none is asked for from a pod")
		return
	}
	n.Kubectl(t, "exec", "asker", "--", "/app", "lookup", outside)
}

// outsideName finds a name that resolves in the container, among those that
// this machine's package sources and Go's proxy have.
func outsideName(t *testing.T, c *rig.Cluster) string {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	addresses := rig.Run(ctx, nil, "go", "env", "GOPROXY").Stdout
	addresses += " " + rig.Run(ctx, nil, "apt-get", "indextargets", "--format", "$(SITE)").Stdout
	separator := func(r rune) bool { return strings.ContainsRune(" ,|\n", r) }
	tried := map[string]bool{}
	for _, address := range strings.FieldsFunc(addresses, separator) {
		site, err := url.Parse(address)
		if err != nil || !strings.Contains(site.Hostname(), ".") || tried[site.Hostname()] {
			continue
		}
		tried[site.Hostname()] = true
		if c.Try(t, "getent", "ahostsv4", site.Hostname()).Code == 0 {
			return site.Hostname()
		}
	}
	return ""
}
