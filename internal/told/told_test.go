package told

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// A package variable of the test binary, initialised after told's own: what a
// program does that is told to stop while its packages are initialised.
var _ = func() bool {
	if os.Getenv("TOLD_TEST") != "" {
		if err := syscall.Kill(os.Getpid(), SIGRTMIN3); err != nil {
			panic(err)
		}
	}
	return true
}()

func TestASignalDuringInitialisationIsHeard(t *testing.T) {
	if os.Getenv("TOLD_TEST") != "" {
		if s := <-Early(); s != SIGRTMIN3 {
			t.Errorf("got %v", s)
		}
		return
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, to be PID 1 of a namespace")
	}
	c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.timeout=10s")
	c.Env = append(os.Environ(), "TOLD_TEST=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAProcessThatIsNotPID1LeavesSignalsAlone(t *testing.T) {
	select {
	case s := <-Early():
		t.Errorf("got %v", s)
	default:
	}
	if cap(listen()) != 1 {
		t.Error("a signal would be lost while nobody receives")
	}
}
