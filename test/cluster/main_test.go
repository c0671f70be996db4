package cluster

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// shared is the container that the tests share: booted by the first of them,
// by the documented line.
var shared struct {
	once    sync.Once
	cluster *rig.Cluster
}

// cluster returns the shared container once its cluster is ready.
func cluster(t *testing.T) *rig.Cluster {
	t.Helper()
	rig.Need(t)
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c, err := rig.StartAs(ctx, "docker run --detach --privileged --volume /var/lib/docker --volume /lib/modules:/lib/modules lyft/dockernetes /sbin/init")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if t.Failed() && shared.cluster == nil {
				c.Explain(context.WithoutCancel(ctx), t)
			}
		})
		c.Ready(t)
		c.BuildApp(t)
		c.ImportShell(t)
		shared.cluster = c
	})
	if shared.cluster == nil {
		t.Fatal("the shared cluster didn't come up: the first test that failed says why")
	}
	return shared.cluster
}

// namespace returns a namespace of the test's own in the shared cluster.
func namespace(t *testing.T) *rig.Namespace {
	t.Helper()
	return cluster(t).Namespace(t)
}
