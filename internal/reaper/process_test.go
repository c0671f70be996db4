package reaper

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestEveryExitStatusIsReportedExactly(t *testing.T) {
	r := running(t)
	var processes [256]*Process
	for code := range processes {
		processes[code] = start(t, r, shell(fmt.Sprintf("exit %d", code)))
	}
	for code, p := range processes {
		e := exitOfProcess(t, p)
		if e.Code != code || e.Signal != 0 || e.Success() != (code == 0) {
			t.Errorf("exit status %d was reported as %+v", code, e)
		}
		if want := fmt.Sprintf("exit status %d", code); e.String() != want {
			t.Errorf("got %q, want %q", e, want)
		}
	}
}

func TestEveryFatalSignalIsReportedExactly(t *testing.T) {
	notFatal := map[syscall.Signal]bool{
		unix.SIGCHLD: true, unix.SIGCONT: true, unix.SIGURG: true, unix.SIGWINCH: true,
		unix.SIGSTOP: true, unix.SIGTSTP: true, unix.SIGTTIN: true, unix.SIGTTOU: true,
	}
	r := running(t)
	hold, release := pipe(t)
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		if notFatal[sig] {
			continue
		}
		p := start(t, r, Spec{Path: "cat", Stdin: hold, Dir: t.TempDir()})
		if err := p.Signal(sig); err != nil {
			t.Fatal(err)
		}
		e := exitOfProcess(t, p)
		if e.Signal != sig || e.Code != -1 || e.Success() {
			t.Errorf("%s was reported as %+v", signalName(sig), e)
		}
	}
	release.Close()
}

func TestExitSaysHowItEnded(t *testing.T) {
	for _, c := range []struct {
		exit Exit
		want string
	}{
		{Exit{}, "exit status 0"},
		{Exit{Code: 255}, "exit status 255"},
		{Exit{Code: -1, Signal: unix.SIGKILL}, "killed by SIGKILL"},
		{Exit{Code: -1, Signal: unix.SIGSEGV, CoreDumped: true}, "killed by SIGSEGV (core dumped)"},
		{Exit{Code: -1, Signal: 35}, "killed by signal 35"},
	} {
		if got := c.exit.String(); got != c.want {
			t.Errorf("%#v: got %q, want %q", c.exit, got, c.want)
		}
	}
}

func TestWaitStatusesAreReadAsTheKernelWritesThem(t *testing.T) {
	at := time.Unix(1, 0)
	usage := syscall.Rusage{Utime: syscall.Timeval{Sec: 1, Usec: 500}, Stime: syscall.Timeval{Usec: 7}}
	for _, c := range []struct {
		status syscall.WaitStatus
		want   Exit
	}{
		{0, Exit{}},
		{3 << 8, Exit{Code: 3}},
		{9, Exit{Code: -1, Signal: unix.SIGKILL}},
		{0x80 | 11, Exit{Code: -1, Signal: unix.SIGSEGV, CoreDumped: true}},
	} {
		c.want.At, c.want.UserTime, c.want.SystemTime = at, time.Second+500*time.Microsecond, 7*time.Microsecond
		if got := exitOf(c.status, usage, at); got != c.want {
			t.Errorf("%#x: got %+v, want %+v", uint32(c.status), got, c.want)
		}
	}
}

func TestCPUTimeIsReported(t *testing.T) {
	r := running(t)
	before := time.Now()
	e := exitOfProcess(t, start(t, r, shell(`i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done`)))
	if cpu := e.UserTime + e.SystemTime; cpu < time.Millisecond || cpu > time.Minute {
		t.Errorf("%s of CPU time", cpu)
	}
	if e.At.Before(before) {
		t.Errorf("ended at %s, before it started", e.At)
	}
}

func TestASignalAfterTheExitReachesNobody(t *testing.T) {
	r := running(t)
	p := start(t, r, shell("exit 0"))
	exitOfProcess(t, p)
	if err := p.Signal(unix.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("got %v, want %v", err, os.ErrProcessDone)
	}
}

func TestAnUnknownSignalIsAnError(t *testing.T) {
	r := running(t)
	hold, release := pipe(t)
	p := start(t, r, Spec{Path: "cat", Stdin: hold})
	if err := p.Signal(99); !errors.Is(err, unix.EINVAL) {
		t.Errorf("got %v, want %v", err, unix.EINVAL)
	}
	release.Close()
	if e := exitOfProcess(t, p); !e.Success() {
		t.Errorf("cat: %s", e)
	}
}
