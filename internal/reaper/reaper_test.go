package reaper

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// howMany is n, or less for a short run.
func howMany(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// stormSize is how many statuses the storm test wants of each loop: in make
// soak as many as take more than a minute.
func stormSize(n int) int {
	if os.Getenv("DOCKERNETES_SOAK") != "" {
		return 20 * n
	}
	return howMany(n)
}

func TestTenThousandOrphansAreReapedInTwoSeconds(t *testing.T) {
	if !asPID1(t) {
		return
	}
	r := running(t)
	orphans := howMany(10_000)
	hold, release := pipe(t)
	s := shell(fmt.Sprintf(`i=0; while [ $i -lt %d ]; do { read x <&3; exit 3; } & i=$((i+1)); done`, orphans))
	s.ExtraFiles = append(s.ExtraFiles, hold)
	if e := exitOfProcess(t, start(t, r, s)); !e.Success() {
		t.Fatalf("making orphans: %s", e)
	}
	if n := r.Orphans(); n != 0 {
		t.Fatalf("%d orphans exited early", n)
	}

	begun := time.Now()
	release.Close() // all of them exit now
	until(t, "all orphans reaped", func() bool { return r.Orphans() == uint64(orphans) })
	took := time.Since(begun)
	t.Logf("%d orphans in %s", orphans, took)
	if took > 2*time.Second {
		t.Errorf("%d orphans took %s to reap", orphans, took)
	}
	if pids, err := allProcesses(); err != nil || len(pids) != 1 {
		t.Errorf("processes left: %v, %v", pids, err)
	}
}

// Orphans come without pause, os/exec waits for its own children, and so do we
// for ours: each gets every status that is its own.
func TestNoStatusIsLostInAnOrphanStorm(t *testing.T) {
	if !asPID1(t) {
		return
	}
	r := running(t)
	storm := start(t, r, shell(`while :; do (:& :& :& :&); done`))
	before := r.Orphans()

	var loops sync.WaitGroup
	for loop := range 8 {
		loops.Go(func() {
			for i := range stormSize(150) {
				want := (loop + i) % 256
				err := exec.Command("/bin/sh", "-c", "exit "+strconv.Itoa(want)).Run()
				got := 0
				if e, ok := err.(*exec.ExitError); ok {
					got = e.ExitCode()
				} else if err != nil {
					t.Errorf("os/exec: %v", err)
					return
				}
				if got != want {
					t.Errorf("os/exec: exit status %d, want %d", got, want)
				}
			}
		})
	}
	loops.Go(func() {
		for i := range stormSize(1000) {
			if e := exitOfProcess(t, start(t, r, shell("exit "+strconv.Itoa(i%256)))); e.Code != i%256 {
				t.Errorf("Start: %s, want exit status %d", e, i%256)
			}
		}
	})
	loops.Wait()

	if err := storm.Signal(unix.SIGKILL); err != nil {
		t.Error(err)
	}
	if e := exitOfProcess(t, storm); e.Signal != unix.SIGKILL {
		t.Errorf("the storm ended by %s", e)
	}
	until(t, "no process left", func() bool {
		pids, err := allProcesses()
		return err == nil && len(pids) == 1
	})
	t.Logf("%d orphans", r.Orphans()-before)
	if r.Orphans() == before {
		t.Error("there was no storm")
	}
}

func TestAThousandExitsAtOnceAreAllReportedThoughNobodyReads(t *testing.T) {
	r := New(zap.NewNop()) // not running yet: all of them become zombies first
	hold, release := pipe(t)
	processes := make([]*Process, howMany(1000))
	for i := range processes {
		s := shell(fmt.Sprintf("read x; exit %d", i%256))
		s.Stdin = hold
		processes[i] = start(t, r, s)
	}
	release.Close()
	for _, p := range processes {
		until(t, "a zombie", func() bool {
			pid, err := peek(unix.P_PID, p.PID())
			return err == nil && pid == p.PID()
		})
	}
	run(t, r)
	for i, p := range processes {
		if e := exitOfProcess(t, p); e.Code != i%256 {
			t.Errorf("child %d: %s, want exit status %d", i, e, i%256)
		}
	}
}

func TestAChildThatExitsAtOnceIsNeverLost(t *testing.T) {
	r := running(t)
	for range howMany(3000) {
		if e := exitOfProcess(t, start(t, r, Spec{Path: "/bin/true"})); !e.Success() {
			t.Fatalf("true: %s", e)
		}
	}
}

func TestAZombieOfOsExecIsLeftToItAndHidesNoOther(t *testing.T) {
	r := running(t)
	cmd := exec.Command("/bin/sh", "-c", "exit 42")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "a zombie of os/exec", func() bool {
		pid, _ := peek(unix.P_PID, cmd.Process.Pid)
		return pid != 0
	})
	for range 20 { // while nobody waits for that one
		if e := exitOfProcess(t, start(t, r, shell("exit 5"))); e.Code != 5 {
			t.Errorf("got %s, want exit status 5", e)
		}
	}
	err := cmd.Wait()
	if e, ok := err.(*exec.ExitError); !ok || e.ExitCode() != 42 {
		t.Errorf("os/exec: %v, want exit status 42", err)
	}
}

// A child of os/exec that leaves a child behind leaves it in our own process
// group, where it looks as one of os/exec's own.
func TestAnOrphanInOurOwnProcessGroupIsReaped(t *testing.T) {
	if !asPID1(t) {
		return
	}
	r := running(t)
	if !r.pidfds {
		t.Skip("this kernel has no pidfd to tell orphans by")
	}
	hold, release := pipe(t)
	unwaited := exec.Command("/bin/sh", "-c", "exit 42")
	if err := unwaited.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `{ read x <&3; exit 7; } & :`)
	cmd.ExtraFiles = append(cmd.ExtraFiles, hold)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	release.Close()
	until(t, "the orphan reaped", func() bool { return r.Orphans() == 1 })
	err := unwaited.Wait()
	if e, ok := err.(*exec.ExitError); !ok || e.ExitCode() != 42 {
		t.Errorf("os/exec: %v, want exit status 42", err)
	}
}
