package rig

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// sweeperVariable marks the copy of the test binary that only sweeps.
const sweeperVariable = "DOCKERNETES_TEST_SWEEPER"

// Main is for TestMain: it runs the tests and leaves nothing behind.
//
// What the tests create is told to a copy of the test binary over a pipe. Once
// that pipe is closed, at the end, on a panic, by a time-out or a kill alike,
// the copy removes what was told and is still there.
func Main(m *testing.M) {
	if os.Getenv(sweeperVariable) != "" {
		sweep(os.Stdin)
		os.Exit(0)
	}
	code := m.Run()
	if s := theSweeper.end(); s != nil {
		fmt.Fprintln(os.Stderr, "cannot remove what the tests made:", s)
	}
	os.Exit(code)
}

// Thing is something that the engine keeps for a test.
type Thing string

// The things that are swept, in the words of the docker client.
const (
	Container Thing = "container"
	Network   Thing = "network"
	Volume    Thing = "volume"
)

// Sweep has something removed at the end of all tests, if it is still there.
// It is called before the thing is made, where its name is known by then.
func Sweep(thing Thing, name string) {
	if err := theSweeper.tell(fmt.Sprintf("%s %s\n", thing, name)); err != nil {
		fmt.Fprintf(os.Stderr, "%s %s may stay behind: %v\n", thing, name, err)
	}
}

// remove removes one thing now.
func remove(ctx context.Context, thing Thing, name string) Result {
	switch thing {
	case Container:
		return Docker(ctx, "rm", "--force", "--volumes", name)
	default:
		return Docker(ctx, string(thing), "rm", "--force", name)
	}
}

// sweep reads what was made until its input ends and then removes it, the
// latest first.
func sweep(told io.Reader) {
	var lines []string
	for scanner := bufio.NewScanner(told); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for i := len(lines) - 1; i >= 0; i-- {
		thing, name, _ := strings.Cut(lines[i], " ")
		// What is gone already is as it should be.
		r := remove(ctx, Thing(thing), name)
		if r.Code != 0 && !strings.Contains(strings.ToLower(r.Output()), "no such") && !strings.Contains(r.Output(), "not found") {
			fmt.Fprintf(os.Stderr, "cannot remove the %s %s: %s\n", thing, name, lastLines(r.Output(), 1))
		}
	}
}

// sweeper is the tests' end of the pipe.
type sweeper struct {
	once sync.Once
	err  error
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

var theSweeper sweeper

func (s *sweeper) begin() {
	s.cmd = exec.Command("/proc/self/exe", "-test.run=^$")
	s.cmd.Env = append(os.Environ(), sweeperVariable+"=1")
	s.cmd.Stderr = os.Stderr
	// An interrupt from the terminal is for the tests; the sweeper has its
	// work to do just then.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.pipe, s.err = s.cmd.StdinPipe(); s.err == nil {
		s.err = s.cmd.Start()
	}
}

func (s *sweeper) tell(line string) error {
	if s.once.Do(s.begin); s.err != nil {
		return s.err
	}
	_, err := io.WriteString(s.pipe, line)
	return err
}

func (s *sweeper) end() error {
	begun := true
	s.once.Do(func() { begun = false })
	if !begun || s.err != nil {
		return s.err
	}
	if err := s.pipe.Close(); err != nil {
		return err
	}
	return s.cmd.Wait()
}
