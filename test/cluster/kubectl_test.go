package cluster

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

func TestLogsAreFollowedToTheEnd(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Kubectl(t, "run", "talker", "--image", rig.AppImage, "--image-pull-policy=Never", "--restart=Never", "--", "lines", "20")
	n.Kubectl(t, "wait", "pod/talker", "--for=jsonpath={.status.containerStatuses[0].started}=true", "--timeout=60s")
	said := n.Kubectl(t, "logs", "--follow", "talker")
	if strings.Count(said, "\n") != 20 || !strings.HasSuffix(said, "line 20\n") {
		t.Errorf("followed to the end:\n%s", said)
	}
}

func TestExecHasStdinAndAStatus(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Kubectl(t, "run", "shell", "--image", rig.ShellImage, "--image-pull-policy=Never", "--command", "--", "sleep", "1000")
	n.Kubectl(t, "wait", "pod/shell", "--for=condition=Ready", "--timeout=60s")
	if r := n.Try(t, "exec", "shell", "--", "sh", "-c", "echo out; echo err >&2; exit 7"); r.Code != 7 || r.Stdout != "out\n" || !strings.Contains(r.Stderr, "err\n") {
		t.Errorf("status %d, stdout %q, stderr %q", r.Code, r.Stdout, r.Stderr)
	}
	said := n.Cluster.Shell(t, "echo through | kubectl --namespace "+n.Name+" exec --stdin shell -- cat")
	if said != "through\n" {
		t.Errorf("stdin comes back as %q", said)
	}
}

func TestCpGoesBothWays(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Kubectl(t, "run", "shell", "--image", rig.ShellImage, "--image-pull-policy=Never", "--command", "--", "sleep", "1000")
	n.Kubectl(t, "wait", "pod/shell", "--for=condition=Ready", "--timeout=60s")
	n.Cluster.Put(t, "/root/cp/there", []byte("and back again\n"))
	n.Kubectl(t, "cp", "/root/cp/there", "shell:/there")
	n.Kubectl(t, "cp", "shell:/there", "/root/cp/back")
	if content := n.Cluster.Exec(t, "cat", "/root/cp/back"); content != "and back again\n" {
		t.Errorf("what comes back is %q", content)
	}
}

func TestPortForwardIsReachedFromOutside(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Kubectl(t, "run", "web", "--image", rig.AppImage, "--image-pull-policy=Never", "--port=8080", "--expose", "--", "serve")
	n.Kubectl(t, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
	forward := n.Cluster.Background(t, "kubectl", "--namespace", n.Name, "port-forward", "--address=0.0.0.0", "service/web", ":8080")
	port := regexp.MustCompile(`Forwarding from 0\.0\.0\.0:(\d+)`)
	line := forward.Line(t, 30*time.Second, port.MatchString)
	if said := httpGet(t, "http://"+n.Cluster.Address(t)+":"+port.FindStringSubmatch(line)[1]+"/hostname"); said != "web\n" {
		t.Errorf("the pod says %q", said)
	}
}

func TestRolloutAndScale(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Apply(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "testapp:dev", imagePullPolicy: Never, args: [serve], env: [{name: COLOUR, value: blue}]}]
`)
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
	n.Kubectl(t, "scale", "deployment/web", "--replicas=3")
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
	n.Kubectl(t, "set", "env", "deployment/web", "COLOUR=red")
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
	n.Kubectl(t, "rollout", "undo", "deployment/web")
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
	const seen = "--output=jsonpath={.status.readyReplicas} {.spec.template.spec.containers[0].env[0].value}"
	if got := n.Kubectl(t, "get", "deployment", "web", seen); got != "3 blue" {
		t.Errorf("after scale, change and undo: %q, want \"3 blue\"", got)
	}
	n.Kubectl(t, "rollout", "restart", "deployment/web")
	n.Kubectl(t, "rollout", "status", "deployment/web", "--timeout=60s")
}

func TestTopSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	r := c.Try(t, "kubectl", "top", "nodes")
	if r.Code == 0 || !strings.Contains(r.Stderr, "Metrics API not available") {
		t.Errorf("status %d: %s", r.Code, r.Output())
	}
}

func TestAHostPortIsReachedFromOutside(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Apply(t, `
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "testapp:dev", imagePullPolicy: Never, args: [serve], ports: [{containerPort: 8080, hostPort: 8081}]}]
`)
	n.Kubectl(t, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
	if said := httpGet(t, fmt.Sprintf("http://%s:8081/hostname", n.Cluster.Address(t))); said != "web\n" {
		t.Errorf("the pod says %q", said)
	}
}

func TestANodePortIsReachedFromOutside(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Kubectl(t, "run", "web", "--image", rig.AppImage, "--image-pull-policy=Never", "--labels=app=web", "--", "serve")
	n.Kubectl(t, "create", "service", "nodeport", "web", "--tcp=80:8080")
	n.Kubectl(t, "wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
	port := n.Kubectl(t, "get", "service", "web", "--output=jsonpath={.spec.ports[0].nodePort}")
	if said := httpGet(t, fmt.Sprintf("http://%s:%s/hostname", n.Cluster.Address(t), port)); said != "web\n" {
		t.Errorf("the pod says %q", said)
	}
}

// httpGet asks from the host, which is the world outside the container.
func httpGet(t *testing.T, address string) string {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{Proxy: nil}}
	defer client.CloseIdleConnections()
	var said string
	rig.Eventually(t, 20*time.Second, func() error {
		response, err := client.Get(address)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		said = string(content)
		return err
	})
	return said
}
