package life

import (
	"testing"

	"github.com/lyft/dockernetes/test/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// booted returns a container of the test's own whose cluster is ready.
func booted(t *testing.T, args ...string) *rig.Cluster {
	t.Helper()
	c := rig.New(t, rig.Setup{Args: args})
	c.Ready(t)
	return c
}
