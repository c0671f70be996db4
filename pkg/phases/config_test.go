package phases

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lyft/dockernetes/internal/config"
)

var testHost = config.Host{
	Hostname: "box", NodeIP: "172.17.0.2", MTU: 1450,
	CgroupV2: true, CPUController: true, SysResource: true, Nftables: true,
}

// testConfig is a configuration whose paths are under a directory of the test.
func testConfig(t testing.TB, host config.Host, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, func(string) string { return "" }, host)
	if err != nil {
		t.Fatal(err)
	}
	c.Root = t.TempDir()
	return c
}

func mustRead(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func mustDo(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
