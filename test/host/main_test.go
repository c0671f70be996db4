package host

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// shared is the container that most of the tests share, booted by the first of
// them by the README's line.
var shared struct {
	once    sync.Once
	cluster *rig.Cluster
}

// cluster returns the shared container once its cluster is ready.
func cluster(t *testing.T) *rig.Cluster {
	t.Helper()
	rig.Need(t)
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), rig.Patience(time.Minute))
		defer cancel()
		c, err := rig.StartAs(ctx, "docker run --detach --privileged --publish 127.0.0.1:6443:6443 lyft/dockernetes")
		if err != nil {
			t.Fatal(err)
		}
		c.Ready(t)
		t.Logf("docker logs:\n%s", c.Logs(t))
		t.Logf("dnetinit status:\n%s", c.Exec(t, "dnetinit", "status"))
		c.BuildApp(t)
		shared.cluster = c
	})
	if shared.cluster == nil {
		t.Fatal("the shared cluster didn't come up: the first test that failed says why")
	}
	return shared.cluster
}
