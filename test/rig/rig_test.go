package rig

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRunKeepsStatusAndBothOutputs(t *testing.T) {
	r := Run(t.Context(), strings.NewReader("in"), "sh", "-c", "cat; echo err >&2; exit 3")
	if r.Code != 3 || r.Stdout != "in" || r.Stderr != "err\n" || r.Output() != "inerr\n" {
		t.Errorf("%+v", r)
	}
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "err") {
		t.Errorf("the error is %v", err)
	}
	if r := Run(t.Context(), nil, "true"); r.Err() != nil {
		t.Error(r.Err())
	}
	if r := Run(t.Context(), nil, "/nosuch"); r.Code != -1 || r.Err() == nil {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if r := Run(ctx, nil, "sleep", "60"); r.Code != -1 || !strings.Contains(r.Err().Error(), "gave up") {
		t.Errorf("%+v", r)
	}
}

func TestAProgramOnATerminalSeesOne(t *testing.T) {
	shown, err := OnTerminal(t.Context(), "tty -s && echo is$((1+1))one\nexit 4\n", "sh")
	if err == nil || err.Error() != "exit status 4" || !strings.Contains(shown, "is2one") {
		t.Errorf("%v; shown is %q", err, shown)
	}
}

func TestNamespacesAreNamedLikeTheirTests(t *testing.T) {
	for test, want := range map[string]string{
		"TestDNS":                      "testdns",
		"TestA/with_a_part":            "testa-with-a-part",
		strings.Repeat("x", 99):        strings.Repeat("x", 63),
		"A/" + strings.Repeat("y", 62): strings.Repeat("y", 62),
	} {
		if got := namespaceName(test); got != want {
			t.Errorf("%s: %s, want %s", test, got, want)
		}
	}
}

func TestTheSweepRemovesTheLatestFirst(t *testing.T) {
	dir := t.TempDir()
	fake := "#!/bin/sh\necho \"$@\" >> " + dir + "/said\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	sweep(strings.NewReader("network n1\ncontainer c1\n"))
	said, err := os.ReadFile(filepath.Join(dir, "said"))
	if want := "rm --force --volumes c1\nnetwork rm --force n1\n"; err != nil || string(said) != want {
		t.Errorf("%q, want %q (%v)", said, want, err)
	}
}

func TestThePrivilegesAreThoseOfTheDocumentation(t *testing.T) {
	args := strings.Join(DocumentedList(), " ")
	if strings.Contains(args, "SYS_RESOURCE") || !strings.Contains(args, "--cap-add SYS_ADMIN") {
		t.Error(args)
	}
}
