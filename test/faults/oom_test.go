package faults

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestAServiceThatIsOOMKilledIsNamedSoAndItsSiblingsAreUnharmed(t *testing.T) {
	groups := makeCgroups(t)
	m := start(t, "hungry", groups.setting())
	beside := m.await(t, "beside", supervisor.Ready).Status.PID
	until(t, "the service is ready", func() bool { return m.unit(t, "hungry").State == supervisor.Ready })
	limit := groups.file(t, "hungry", limitFile(t, groups))
	if err := os.WriteFile(limit, []byte("67108864"), 0); err != nil {
		t.Fatal(err)
	}
	told, err := net.Dial("unix", filepath.Join(m.dir, "hungry.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	e := m.await(t, "hungry", supervisor.Backoff)
	if e.Reason != "OOM-killed (killed by SIGKILL)" {
		t.Errorf("the reason is %q", e.Reason)
	}
	if u := m.unit(t, "beside"); u.PID != beside || u.State != supervisor.Ready || u.Restarts != 0 {
		t.Errorf("the service beside it: %+v", u)
	}
	if text, err := os.ReadFile(limit); err != nil || strings.TrimSpace(string(text)) != "67108864" {
		t.Errorf("the limit did not survive: %s, %v", text, err)
	}
	m.stop(t)
}

// limitFile is the name of the file that bounds a group's memory.
func limitFile(t *testing.T, groups cgroups) string {
	t.Helper()
	if groups[0].controllers == "" {
		return "memory.max"
	}
	return "memory.limit_in_bytes"
}
