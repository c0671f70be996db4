package life

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

// network makes a network of the engine, for this test.
func network(t *testing.T, args ...string) string {
	t.Helper()
	rig.Need(t)
	name := rig.FreshName("n")
	rig.Sweep(rig.Network, name)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := rig.Docker(ctx, slices.Concat([]string{"network", "create"}, args, []string{name})...).Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		rig.Docker(ctx, "network", "rm", name)
	})
	return name
}

func TestAnotherAddressIsTheSameCluster(t *testing.T) {
	t.Parallel()
	other := network(t)
	c := booted(t)
	c.BuildApp(t)
	n := &rig.Namespace{Cluster: c, Name: "default"}
	n.Kubectl(t, "create", "configmap", "remember", "--from-literal=me=yes")
	before := c.Address(t)
	serves(t, "https://"+before+":6443", c)

	stop(t, c, "stop")
	for _, args := range [][]string{{"disconnect", "bridge"}, {"connect", other}} {
		if err := rig.Docker(t.Context(), "network", args[0], args[1], c.Name).Err(); err != nil {
			t.Fatal(err)
		}
	}
	c.Docker(t, "start")
	c.Ready(t)

	after := c.Address(t)
	if after == before {
		t.Fatalf("the address is %s as before, so nothing was tried", after)
	}
	serves(t, "https://"+after+":6443", c)
	n.Kubectl(t, "get", "configmap", "remember")
	const internal = `--output=jsonpath={.items[*].status.addresses[?(@.type=="InternalIP")].address}`
	if got := n.Kubectl(t, "get", "nodes", internal); got != after {
		t.Errorf("the node's address is %s, the container's %s", got, after)
	}
	if got := n.Kubectl(t, "get", "endpointslices", "kubernetes", "--output=jsonpath={.endpoints[*].addresses[*]}"); got != after {
		t.Errorf("the API server's endpoint is %s, the container's %s", got, after)
	}
	if said := n.Run(t, "asker", rig.AppImage, "/app", "lookup", "kubernetes.default"); said != "10.96.0.1\n" {
		t.Errorf("kubernetes.default is %q", said)
	}
}
