package reaper

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

func TestAChildInheritsNoDescriptors(t *testing.T) {
	r := running(t)
	open, err := unix.Open("/dev/zero", unix.O_RDONLY, 0) // without O_CLOEXEC
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(open)
	got, _ := output(t, r, Spec{Path: "/bin/ls", Args: []string{"ls", "/proc/self/fd"}})
	if got != "0\n1\n2\n3\n" { // 3 is the directory that ls reads
		t.Errorf("descriptors of a child: %q", got)
	}
}

func TestAChildBlocksAndIgnoresNoSignals(t *testing.T) {
	// Blocked signals are inherited from the thread that forks, ignored ones
	// by exec: so a shell ignores some, and this thread blocks some.
	cmd := exec.Command("/bin/sh", "-c", `trap '' HUP INT PIPE TERM TTIN USR1 CHLD; exec "$0"`, "/proc/self/exe")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args[3] = exe
	cmd.Env = append(os.Environ(), roleVar+"=cat-status-with-clean-state")
	var out []byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		all := unix.Sigset_t{Val: [16]uint64{1<<(unix.SIGTERM-1) | 1<<(unix.SIGUSR2-1) | 1<<(unix.SIGCHLD-1) | 1<<(unix.SIGCONT-1)}}
		if e := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); e != nil {
			err = e
			return
		}
		out, err = cmd.CombinedOutput()
	}()
	<-done
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, mask := range []string{"SigBlk", "SigIgn", "SigPnd"} {
		if got := field(t, string(out), mask); strings.Trim(got, "0") != "" {
			t.Errorf("%s of a child: %s", mask, got)
		}
	}
}

// catStatus shows what a child of a process with blocked and ignored signals
// looks like.
func catStatus() {
	r := New(zap.NewNop())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go r.Run(ctx)
	p, err := r.Start(Spec{Path: "/bin/cat", Args: []string{"cat", "/proc/self/status"}, Stdout: os.Stdout, Stderr: os.Stderr})
	if err != nil {
		panic(err)
	}
	<-p.Done()
}

// cgroupsV1 makes a cgroup in some hierarchies, to be removed after the test.
func cgroupsV1(t *testing.T) []string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make cgroups")
	}
	var dirs []string
	for _, controller := range []string{"pids", "memory", "freezer", "cpu"} {
		root := filepath.Join("/sys/fs/cgroup", controller)
		if _, err := os.Stat(filepath.Join(root, "tasks")); err != nil {
			t.Skip("no cgroup v1 here")
		}
		dir, err := os.MkdirTemp(root, "reaper-test-")
		if err != nil {
			t.Skipf("cannot make a cgroup: %v", err)
		}
		t.Cleanup(func() {
			// Busy as long as a thread of ours is in it.
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
		dirs = append(dirs, dir)
	}
	return dirs
}

func TestAChildIsBornInItsCgroupsV1(t *testing.T) {
	dirs := cgroupsV1(t)
	ours, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	r := running(t)
	for range 20 {
		hold, release := pipe(t)
		got, result := pipe(t)
		s := shell("cat /proc/self/cgroup; exec >&-; read x")
		s.Stdin, s.Stdout, s.Cgroups = hold, result, dirs
		p := start(t, r, s)
		result.Close()
		groups := readAll(t, got)
		for _, dir := range dirs {
			if !strings.Contains(groups, "/"+filepath.Base(dir)+"\n") {
				t.Errorf("not in %s but in:\n%s", dir, groups)
			}
			procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
			if err != nil {
				t.Fatal(err)
			}
			if want := strconv.Itoa(p.PID()) + "\n"; string(procs) != want {
				t.Errorf("processes of %s: %q, want only the child %q", dir, procs, want)
			}
		}
		release.Close()
		exitOfProcess(t, p)
	}
	if now, err := os.ReadFile("/proc/self/cgroup"); err != nil || string(now) != string(ours) {
		t.Errorf("our own cgroups are now %s, %v", now, err)
	}
}

func TestTheMainThreadStaysWhereItIs(t *testing.T) {
	dirs := cgroupsV1(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	// With one processor, a new goroutine gets the thread of the one that made
	// it: here the main thread.
	cmd.Env = append(os.Environ(), roleVar+"=start-from-main-thread", "DIRS="+strings.Join(dirs, ":"), "GOMAXPROCS=1")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "empty\n" {
		t.Fatalf("%v: %s", err, out)
	}
}

// startFromMainThread starts from the main thread, which can't end. It says if
// the cgroups are empty once the child is gone.
func startFromMainThread() {
	r := New(zap.NewNop())
	dirs := filepath.SplitList(os.Getenv("DIRS"))
	for range 20 {
		p, err := r.Start(Spec{Path: "/bin/true", Cgroups: dirs})
		if err != nil {
			panic(err)
		}
		for exited := false; !exited; { // nothing else runs that might take the thread
			if err := r.sweep(); err != nil {
				panic(err)
			}
			select {
			case <-p.Done():
				exited = true
			default:
			}
		}
		for _, dir := range dirs {
			tasks, err := os.ReadFile(filepath.Join(dir, "tasks"))
			if err != nil || len(tasks) != 0 {
				panic(fmt.Sprintf("%s: %q, %v", dir, tasks, err))
			}
		}
	}
	fmt.Println("empty")
}

func TestOwnThreadIsNeverTheMainThread(t *testing.T) {
	for range 200 {
		var tid int
		onOwnThread(func() { tid = unix.Gettid() })
		if tid == os.Getpid() {
			t.Fatal("ran on the main thread")
		}
		if err := unix.Tgkill(os.Getpid(), tid, 0); err != unix.ESRCH {
			t.Fatalf("thread %d still lives: %v", tid, err)
		}
	}
}

func TestAChildIsBornInItsCgroupV2(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to make cgroups")
	}
	root := "/sys/fs/cgroup/unified"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.procs"); err == nil {
		root = "/sys/fs/cgroup"
	}
	if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
		t.Skip("no cgroup v2 here")
	}
	path, err := os.MkdirTemp(root, "reaper-test-")
	if err != nil {
		t.Skipf("cannot make a cgroup: %v", err)
	}
	defer func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}()
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	r := running(t)
	s := Spec{Path: "/bin/cat", Args: []string{"cat", "/proc/self/cgroup"}, CgroupFD: int(dir.Fd())}
	if got, _ := output(t, r, s); !strings.Contains(got, "/"+filepath.Base(path)+"\n") {
		t.Errorf("not in %s but in:\n%s", path, got)
	}
}
