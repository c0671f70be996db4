package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad gives any text as the configuration. It is used, or it is refused
// with the name of where it came from; PID 1 does not panic of it.
func FuzzLoad(f *testing.F) {
	none := filepath.Join(f.TempDir(), "none")
	f.Fuzz(func(t *testing.T, text string) {
		getenv := func(name string) string {
			if name == variable {
				return text + "\n" // in several lines, it is no path
			}
			return ""
		}
		c, err := Load(none, getenv, testHost)
		switch {
		case err != nil:
			if !strings.Contains(err.Error(), "$"+variable) {
				t.Errorf("the error does not say where the text came from: %v", err)
			}
		case c.NodeName() == "" || c.LoopbackAPI() == "":
			t.Errorf("a configuration without a node or an API server: %+v", c)
		}
	})
}
