package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// asInit makes the test binary run as pause does, as the parent of orphans.
const asInit = "PAUSE_TEST_AS_INIT"

func TestMain(m *testing.M) {
	if os.Getenv(asInit) == "" {
		os.Exit(m.Run())
	}
	if err := orphans(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// orphans takes the place of process 1 and is left with five children that have
// lost their parent.
func orphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot become a subreaper: %w", err)
	}
	const script = "for i in 1 2 3 4 5; do (read -r _ <&3) & done"
	hold, release, err := os.Pipe()
	if err != nil {
		return err
	}
	shell := exec.Command("/bin/sh", "-c", script)
	shell.ExtraFiles = []*os.File{hold}
	if err := shell.Run(); err != nil {
		return fmt.Errorf("cannot make orphans: %w", err)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	fmt.Println("orphaned")
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		_ = release.Close() // lets every orphan end
	}()
	reaped := 0
	wait(signals, func() int {
		n := reap()
		if reaped += n; n > 0 && reaped == 5 {
			fmt.Println("reaped")
		}
		return n
	})
	return nil
}

func TestOrphansAreReapedAndTermEndsPause(t *testing.T) {
	for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(end.String(), func(t *testing.T) {
			pause := exec.Command(os.Args[0])
			pause.Env = append(os.Environ(), asInit+"=1")
			in, err := pause.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := pause.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := pause.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			expect(t, lines, "orphaned")
			fmt.Fprintln(in)
			expect(t, lines, "reaped")
			if err := pause.Process.Signal(end); err != nil {
				t.Fatal(err)
			}
			if err := pause.Wait(); err != nil {
				t.Errorf("pause ended with %v, want exit status 0", err)
			}
		})
	}
}

func expect(t *testing.T, lines *bufio.Scanner, want string) {
	t.Helper()
	if !lines.Scan() || lines.Text() != want {
		t.Fatalf("pause printed %q, want %q (%v)", lines.Text(), want, lines.Err())
	}
}

func TestWaitReapsAtEachChildSignalUntilItIsToldToEnd(t *testing.T) {
	tests := []struct {
		name    string
		signals []os.Signal
		reaped  int
	}{
		{"term ends it", []os.Signal{syscall.SIGTERM}, 0},
		{"int ends it", []os.Signal{syscall.SIGINT}, 0},
		{"a child's end does not", []os.Signal{syscall.SIGCHLD, syscall.SIGCHLD, syscall.SIGTERM}, 2},
		{"nothing is reaped after the end", []os.Signal{syscall.SIGTERM, syscall.SIGCHLD}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			signals := make(chan os.Signal, len(test.signals))
			for _, s := range test.signals {
				signals <- s
			}
			reaped := 0
			wait(signals, func() int { reaped++; return 1 })
			if reaped != test.reaped {
				t.Errorf("reaped %d times, want %d", reaped, test.reaped)
			}
		})
	}
}
