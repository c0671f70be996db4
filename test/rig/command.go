package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Result is what one run of a program left behind.
type Result struct {
	Args   []string
	Stdout string
	Stderr string
	// Code is the exit status, or -1 if the program could not be started, was
	// killed or ran out of time; Cause says which.
	Code  int
	Cause error
	Took  time.Duration
}

// Err is nil if the program ended with status 0; else it shows the command,
// its status and the end of what it wrote.
func (r Result) Err() error {
	if r.Code == 0 {
		return nil
	}
	return fmt.Errorf("%s: %v\n%s", strings.Join(r.Args, " "), r.Cause, lastLines(r.Stdout+r.Stderr, 40))
}

// Output is all that the program wrote, stdout first.
func (r Result) Output() string { return r.Stdout + r.Stderr }

// Run runs a program to its end or until ctx ends.
func Run(ctx context.Context, stdin io.Reader, name string, args ...string) Result {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = stdin
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 2 * time.Second
	begun := time.Now()
	err := cmd.Run()
	r := Result{
		Args:   append([]string{name}, args...),
		Stdout: stdout.String(),
		Stderr: stderr.String(),
		Took:   time.Since(begun),
		Cause:  err,
	}
	if ctx.Err() != nil {
		r.Code, r.Cause = -1, fmt.Errorf("gave up after %v", r.Took.Round(time.Millisecond))
		return r
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		r.Code = exit.ExitCode()
	default:
		r.Code = -1
	}
	return r
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
