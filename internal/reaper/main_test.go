package reaper

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// roleVar makes the test binary something else than a test: see roles.
const roleVar = "REAPER_TEST_ROLE"

// roles are what a test may start this binary as, to see it from outside.
var roles = map[string]func(){
	"start-from-main-thread":      startFromMainThread,
	"cat-status-with-clean-state": catStatus,
}

func TestMain(m *testing.M) {
	if role, ok := roles[os.Getenv(roleVar)]; ok {
		role()
		os.Exit(0)
	}
	if os.Getpid() == 1 {
		// A fresh pid namespace needs its own /proc.
		if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// asPID1 runs the calling test again as PID 1 of fresh namespaces, and returns
// true in there. Outside it returns false: the test has been run by then.
func asPID1(t *testing.T) bool {
	t.Helper()
	if os.Getpid() == 1 {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("needs root to make a pid namespace")
	}
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v", "-test.timeout=100s"}
	if os.Getenv("DOCKERNETES_SOAK") != "" {
		args[2] = "-test.timeout=30m"
	}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS,
		// Mounts made inside stay inside.
		Unshareflags: unix.CLONE_NEWNS,
		Setsid:       true,
	}
	out, err := cmd.CombinedOutput()
	t.Logf("as PID 1:\n%s", out)
	if err != nil {
		t.Fatalf("failed as PID 1: %v", err)
	}
	return false
}

// running returns a reaper that reaps until the test is over.
func running(t *testing.T) *Reaper {
	t.Helper()
	r := New(zap.NewNop())
	run(t, r)
	return r
}

func run(t *testing.T, r *Reaper) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// shell returns the Spec of a shell that runs script.
func shell(script string) Spec {
	return Spec{Path: "/bin/sh", Args: []string{"sh", "-c", script}}
}

func start(t testing.TB, r *Reaper, s Spec) *Process {
	t.Helper()
	p, err := r.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// exitOfProcess waits for p.
func exitOfProcess(t testing.TB, p *Process) Exit {
	t.Helper()
	select {
	case <-p.Done():
		return p.Exit()
	case <-time.After(time.Minute): // ten thousand forks take that long on a busy machine
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
		pids, _ := allProcesses()
		t.Fatalf("process %d was not reaped; there are %d processes; it is %s", p.PID(), len(pids), stat)
		panic("unreachable")
	}
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

// pipe returns both ends of a pipe that blocks. What the test does not close
// itself is closed after it.
func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(ends[0]), "read end"), os.NewFile(uintptr(ends[1]), "write end")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// output starts s and returns what it wrote.
func output(t *testing.T, r *Reaper, s Spec) (string, *Process) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "output")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s.Stdout, s.Stderr = file, file
	p := start(t, r, s)
	if e := exitOfProcess(t, p); !e.Success() {
		t.Errorf("%s: %s", s.Path, e)
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), p
}
