package cluster

import (
	_ "embed"
	"strings"
	"testing"
)

//go:embed testdata/shop.yaml
var shop string

func TestAManifestWithALittleOfEverything(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Apply(t, shop)
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=90s")
	n.Kubectl(t, "rollout", "status", "statefulset/store", "--timeout=90s")
	n.Kubectl(t, "rollout", "status", "daemonset/agent", "--timeout=90s")
	n.Kubectl(t, "wait", "job/import", "--for=condition=Complete", "--timeout=90s")

	for _, test := range []struct{ what, url, want string }{
		{"the Service leads to the Deployment", "http://web/", "ok\n"},
		{"the ConfigMap is a file", "http://web/file/config/colour", "blue"},
		{"the ConfigMap is an environment", "http://web/env/COLOUR", "blue"},
		{"the Secret is an environment", "http://web/env/PASSWORD", "s3cret"},
		{"the downward API names the namespace", "http://web/env/NAMESPACE", n.Name},
		{"the init container's work is there", "http://web/file/work/ready", "prepared"},
		{"a pod of the StatefulSet by its name", "http://store-1.store:8080/hostname", "store-1\n"},
	} {
		r := n.Try(t, "exec", "store-0", "--", "/app", "get", test.url)
		if r.Code != 0 || r.Stdout != test.want {
			t.Errorf("%s: %q, want %q %v", test.what, r.Stdout, test.want, r.Err())
		}
	}
	if said := n.Kubectl(t, "logs", "job/import"); said != "imported\n" {
		t.Errorf("the Job says %q", said)
	}
	if policies := n.Kubectl(t, "get", "networkpolicies", "--output=name"); !strings.Contains(policies, "only-from-store") {
		t.Errorf("the NetworkPolicies are %q", policies)
	}
	n.Kubectl(t, "create", "job", "now", "--from=cronjob/nightly")
	n.Kubectl(t, "wait", "job/now", "--for=condition=Complete", "--timeout=90s")
}

func TestAPodThatFailsIsShownAsFailed(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Kubectl(t, "run", "broken", "--image=testapp:dev", "--image-pull-policy=Never", "--restart=Never", "--", "exit", "7")
	n.Kubectl(t, "wait", "pod/broken", "--for=jsonpath={.status.phase}=Failed", "--timeout=60s")
	code := n.Kubectl(t, "get", "pod", "broken", "--output=jsonpath={.status.containerStatuses[0].state.terminated.exitCode}")
	if code != "7" {
		t.Errorf("its exit status is %s", code)
	}
}
