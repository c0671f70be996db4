package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test binary be the program itself.
func TestMain(m *testing.M) {
	if os.Getenv("APP") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestApp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Write([]byte("answer"))
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "file")
	for name, test := range map[string]struct {
		args   []string
		stdin  string
		stdout string
		code   int
	}{
		"echo prints its arguments":             {args: []string{"echo", "a", "b"}, stdout: "a b\n"},
		"stdin is copied":                       {args: []string{"stdin"}, stdin: "x", stdout: "x"},
		"exit has the status that is asked for": {args: []string{"exit", "7"}, code: 7},
		"get prints the answer":                 {args: []string{"get", server.URL}, stdout: "answer"},
		"get of what is not there fails":        {args: []string{"get", server.URL + "/x"}, stdout: "answer", code: 1},
		"lookup prints addresses":               {args: []string{"lookup", "127.0.0.1"}, stdout: "127.0.0.1\n"},
		"lines are counted":                     {args: []string{"lines", "2"}, stdout: "line 1\nline 2\n"},
		"write writes":                          {args: []string{"write", file, "text"}},
		"cat of what is not there fails":        {args: []string{"cat", file + "x"}, code: 1},
		"an unknown command is refused":         {args: []string{"dance"}, code: 64},
		"no command is refused":                 {code: 64},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], test.args...)
			cmd.Env = append(os.Environ(), "APP=1")
			cmd.Stdin = strings.NewReader(test.stdin)
			stdout, _ := cmd.Output()
			if code := cmd.ProcessState.ExitCode(); code != test.code || string(stdout) != test.stdout {
				t.Errorf("got %q and status %d, want %q and %d", stdout, code, test.stdout, test.code)
			}
		})
	}
}
