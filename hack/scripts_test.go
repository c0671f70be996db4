// Package hack_test runs the build's scripts against programs that only pretend.
package hack_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestScripts(t *testing.T) {
	repository, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			// What a script puts into bin is found before the machine's own.
			bin := filepath.Join(e.WorkDir, "bin")
			if err := os.MkdirAll(bin, 0o755); err != nil {
				return err
			}
			e.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			e.Setenv("HACK", filepath.Join(repository, "hack"))
			e.Setenv("IMAGE", "example.test/dockernetes")
			e.Setenv("TAG", "1.2.3-v4.5.6")
			e.Setenv("NAME", "sample")
			e.Setenv("PORT", "6443")
			return nil
		},
	})
}
