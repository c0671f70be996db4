package faults

import (
	"errors"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// roleVariable makes the test binary something else than the tests.
const roleVariable = "FAULTS_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); {
	case role == "":
		goleak.VerifyTestMain(m)
	case role == "init":
		os.Exit(runInit())
	default:
		children[role]()
	}
}

// need ends a test for which something is missing here: as a failure where CI
// runs, so that no promise goes untested there, else as a skip.
func need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("this must not be skipped in CI: %v", err)
	default:
		t.Skip(err)
	}
}

// namespaces says what keeps PID 1 from being started here.
var namespaces = sync.OnceValue(func() error {
	if os.Getuid() != 0 {
		return errors.New("needs root, to be PID 1 of fresh namespaces")
	}
	done := make(chan error)
	go func() {
		// The thread is not unlocked: it ends with its namespace.
		lockThread()
		done <- unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWIPC)
	}()
	if err := <-done; err != nil {
		return errors.New("needs the right to make namespaces: " + err.Error())
	}
	return nil
})
