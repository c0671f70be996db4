package cluster

import (
	"strings"
	"testing"

	"github.com/lyft/dockernetes/test/rig"
)

func TestAnImageThatIsBuiltInsideRunsAsAPodAtOnce(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Cluster.Build(t, "fresh:dev", "/root/fresh", "FROM "+rig.AppImage+"\nENV PLACE=world\nCMD [\"echo\", \"hello\"]\n")
	n.Kubectl(t, "run", "fresh", "--image=fresh:dev", "--image-pull-policy=Never", "--restart=Never")
	n.Kubectl(t, "wait", "pod/fresh", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
	if said := n.Kubectl(t, "logs", "fresh"); said != "hello\n" {
		t.Errorf("the pod says %q", said)
	}
}

func TestDockerBuildRunsSteps(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Cluster.Build(t, "stepped:dev", "/root/stepped", "FROM "+rig.ShellImage+"\nRUN echo made by a step > /made\nRUN id -u > /who\n")
	if said := n.Run(t, "stepped", "stepped:dev", "cat", "/made", "/who"); said != "made by a step\n0\n" {
		t.Errorf("the pod says %q", said)
	}
}

func TestDockerRunHasANetwork(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	c.Exec(t, "docker", "network", "create", "inner")
	c.Exec(t, "docker", "run", "--detach", "--name=web", "--network=inner", "--publish=127.0.0.1:18080:8080", rig.AppImage, "serve")
	t.Cleanup(func() { c.Try(t, "sh", "-c", "docker rm --force web; docker network rm inner") })
	for what, line := range map[string]string{
		"a container by another's name":  "docker run --rm --network=inner " + rig.AppImage + " get http://web:8080/",
		"the node by the published port": "/root/testapp/app get http://127.0.0.1:18080/",
	} {
		if said := c.Exec(t, strings.Fields(line)...); said != "ok\n" {
			t.Errorf("%s: %q", what, said)
		}
	}
	// A container on the default bridge reaches a pod, as both are the node's.
	n := c.Namespace(t)
	n.Kubectl(t, "run", "pod", "--image", rig.AppImage, "--image-pull-policy=Never", "--", "serve")
	n.Kubectl(t, "wait", "pod/pod", "--for=condition=Ready", "--timeout=60s")
	address := n.Kubectl(t, "get", "pod", "pod", "--output=jsonpath={.status.podIP}")
	if said := c.Exec(t, "docker", "run", "--rm", rig.AppImage, "get", "http://"+address+":8080/"); said != "ok\n" {
		t.Errorf("the pod answers a container with %q", said)
	}
}

func TestAnImageThatIsNotThereIsNamedInThePodsEvents(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	n.Kubectl(t, "run", "lost", "--image=nosuch:dev", "--image-pull-policy=Never")
	n.Kubectl(t, "wait", "pod/lost", "--timeout=60s",
		"--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ErrImageNeverPull")
}
