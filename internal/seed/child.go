package seed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// child is a program that runs while the seed is made.
type child struct {
	command *exec.Cmd
	output  *bytes.Buffer
}

func startChild(ctx context.Context, program string, args ...string) (*child, error) {
	c := &child{exec.CommandContext(ctx, program, args...), new(bytes.Buffer)}
	c.command.Stdout, c.command.Stderr = c.output, c.output
	c.command.Cancel = func() error { return c.command.Process.Signal(syscall.SIGTERM) }
	c.command.WaitDelay = 5 * time.Second // for SIGKILL, when it does not end by itself
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", program, err)
	}
	return c, nil
}

// stop ends the program and returns once it has written all. failure is what
// went wrong while it ran, if anything did, and is returned with what the
// program says of it.
func (c *child) stop(failure error) error {
	_ = c.command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	err := c.command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status := exit.Sys().(syscall.WaitStatus); status.Signaled() && status.Signal() == syscall.SIGTERM {
			err = nil // as it was told
		}
	}
	if err = errors.Join(failure, err); err != nil {
		return fmt.Errorf("%w: %s says: %s", err, c.command.Args[0], bytes.TrimSpace(c.output.Bytes()))
	}
	return nil
}
