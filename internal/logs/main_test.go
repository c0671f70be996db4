package logs

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// insideVar is set in a test that runs in a mount namespace of its own.
const insideVar = "LOGS_TEST_INSIDE"

// withOwnMounts runs the calling test again in a mount namespace of its own,
// and returns true in there. Outside it returns false.
func withOwnMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVar) != "" {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("needs root to mount")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=100s")
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	t.Logf("inside:\n%s", out)
	if err != nil {
		t.Fatalf("failed inside: %v", err)
	}
	return false
}

// newLog returns a Log in a directory of its own.
func newLog(t *testing.T, o Options) *Log {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Name = "service"
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// run runs a shell whose output goes to l, and waits for it, not for what it
// leaves behind.
func run(t *testing.T, l *Log, script string) *exec.Cmd {
	t.Helper()
	w := writer(t, l)
	defer w.Close()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Run(); err != nil {
		if _, exited := err.(*exec.ExitError); !exited {
			t.Fatal(err)
		}
	}
	return cmd
}

func writer(t *testing.T, l *Log) *os.File {
	t.Helper()
	w, err := l.Writer()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func write(t *testing.T, w *os.File, text string) {
	t.Helper()
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func flush(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// texts joins lines by "|".
func texts(lines []Line) string {
	var all []string
	for _, line := range lines {
		all = append(all, line.Text)
	}
	return strings.Join(all, "|")
}

// until waits for a condition that nothing signals.
func until(t testing.TB, what string, seen func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	tooLate := time.After(time.Minute)
	for !seen() {
		select {
		case <-tick.C:
		case <-tooLate:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
