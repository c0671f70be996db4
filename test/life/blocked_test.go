package life

import (
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

// What can't become ready is given up soon, by the unit that blocks and the
// line of its log that says why.
func TestWaitSaysWhatBlocksForGood(t *testing.T) {
	t.Parallel()
	rig.Need(t)
	for _, test := range []struct {
		name  string
		args  func(*testing.T) []string
		names []string
	}{
		{"a flag that kube-apiserver doesn't know", func(*testing.T) []string {
			return []string{`--env=DNET_CONFIG={"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration",` +
				`"apiServer":{"extraArgs":[{"name":"no-such-flag","value":"1"}]}}`}
		}, []string{"kube-apiserver", "no-such-flag"}},
		{"no room for keys", func(*testing.T) []string {
			return []string{"--tmpfs=/etc/kubernetes:size=8k"}
		}, []string{"/etc/kubernetes", "no space left on device"}},
		{"a root file system that is read-only", func(*testing.T) []string {
			return []string{"--read-only"}
		}, []string{"/etc/kubernetes", "read-only file system"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := rig.New(t, rig.Setup{Args: test.args(t)})
			r := c.Try(t, "dnetinit", "wait", "--timeout=100s")
			if r.Code != 2 {
				t.Errorf("status %d, want 2", r.Code)
			}
			if r.Took > time.Minute {
				t.Errorf("known after %v only", r.Took)
			}
			for _, name := range test.names {
				if !strings.Contains(r.Output(), name) {
					t.Errorf("%q is not named in:\n%s", name, r.Output())
				}
			}
			if logs := c.Logs(t); !strings.Contains(logs, test.names[len(test.names)-1]) {
				t.Errorf("docker logs doesn't give the reason:\n%s", logs)
			}
			// Broken as it is, it ends as it should.
			stop(t, c, "stop")
		})
	}
}
