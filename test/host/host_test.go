package host

import (
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

func TestWhatIsBuiltInsideRunsInside(t *testing.T) {
	c := cluster(t)
	n := c.Namespace(t)
	if said := n.Run(t, "asker", rig.AppImage, "/app", "lookup", "kubernetes.default"); said != "10.96.0.1\n" {
		t.Errorf("kubernetes.default is %q", said)
	}
}

func TestAPodIsReachedInEveryWay(t *testing.T) {
	c := cluster(t)
	n := c.Namespace(t)
	n.Kubectl(t, "run", "web", "--image", rig.AppImage, "--image-pull-policy=Never", "--expose", "--port=8080", "--", "serve")
	n.Kubectl(t, "wait", "pod/web", "--for=condition=Ready", rig.Timeout(2*time.Minute))
	if said := n.Kubectl(t, "exec", "web", "--", "/app", "echo", "inside"); said != "inside\n" {
		t.Errorf("exec says %q", said)
	}
	if said := n.Kubectl(t, "exec", "web", "--", "/app", "get", "http://web:8080/"); said != "ok\n" {
		t.Errorf("its own Service answers %q", said)
	}
	n.Run(t, "talker", rig.AppImage, "/app", "echo", "for the log")
	if said := n.Kubectl(t, "logs", "talker"); said != "for the log\n" {
		t.Errorf("logs says %q", said)
	}
}

func TestKubeProxyUsesWhatTheKernelHas(t *testing.T) {
	c := cluster(t)
	mode := c.Exec(t, "kubectl", "get", "--raw", "/api/v1/nodes/dockernetes/proxy/configz")
	t.Logf("the kubelet answers with %d bytes", len(mode))
	if c.Try(t, "nft", "list", "tables").Code != 0 {
		t.Skip("this kernel has no nftables")
	}
	if tables := c.Exec(t, "nft", "list", "tables"); !strings.Contains(tables, "table ip kube-proxy") {
		t.Errorf("the tables are %q", tables)
	}
}

func TestNothingIsSaidInVain(t *testing.T) {
	c := cluster(t)
	for _, line := range strings.Split(c.Logs(t), "\n") {
		if strings.Contains(strings.ToLower(line), "warn") || strings.HasPrefix(line, "✗") {
			t.Errorf("docker logs has %q", line)
		}
	}
}

// dockersPatience is how long docker stop waits before it kills.
const dockersPatience = 10 * time.Second

func TestStopEndsWellAndStartBringsEverythingBack(t *testing.T) {
	c := cluster(t)
	uid := c.Exec(t, "kubectl", "get", "node", "dockernetes", "--output=jsonpath={.metadata.uid}")
	stop(t, c)
	c.Docker(t, "start")
	c.Ready(t)
	if again := c.Exec(t, "kubectl", "get", "nodes", "--output=jsonpath={.items[*].metadata.uid}"); again != uid {
		t.Errorf("the nodes are %s, and there was %s", again, uid)
	}
	c.Docker(t, "restart")
	c.Ready(t)
	c.Namespace(t).Run(t, "asker", rig.AppImage, "/app", "lookup", "kubernetes.default")
	// The next boots have the machine to themselves.
	stop(t, c)
}

// stop stops the container as a user does, and checks that it ends well.
func stop(t *testing.T, c *rig.Cluster) {
	t.Helper()
	begun := time.Now()
	c.Docker(t, "stop")
	took := time.Since(begun)
	t.Logf("docker stop took %v", took.Round(time.Millisecond))
	if code := c.Inspect(t, "{{.State.ExitCode}}"); code != "0" || took > rig.Patience(dockersPatience) {
		t.Errorf("docker stop took %v, exit status %s:\n%s", took, code, c.Logs(t))
	}
}

func TestItBootsWhateverTheEngineGives(t *testing.T) {
	rig.Need(t)
	for _, test := range []struct {
		name string
		args []string
	}{
		{"with the documented list instead of --privileged", rig.DocumentedList()},
		{"with the host's view of cgroups", append(rig.Privileges(), "--cgroupns=host")},
		{"with limits", append(rig.Privileges(), "--cgroupns=private", "--memory=3g", "--cpus=1.5")},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := rig.New(t, rig.Setup{Unprivileged: true, Args: test.args})
			c.Ready(t)
			c.BuildApp(t)
			c.Namespace(t).Run(t, "asker", rig.AppImage, "/app", "lookup", "kubernetes.default")
			stop(t, c)
		})
	}
}
