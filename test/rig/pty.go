package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// OnTerminal runs a program on a terminal of its own, types input and returns
// all that the terminal shows, until the program ends.
func OnTerminal(ctx context.Context, input string, name string, args ...string) (string, error) {
	terminal, program, err := openTerminal()
	if err != nil {
		return "", err
	}
	defer terminal.Close()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	program.Close()
	if err != nil {
		return "", err
	}
	if _, err := io.WriteString(terminal, input); err != nil {
		return "", errors.Join(err, cmd.Wait())
	}
	var shown bytes.Buffer
	// The last program that lets go of a terminal makes reads of it fail with EIO.
	if _, err := io.Copy(&shown, terminal); err != nil && !errors.Is(err, syscall.EIO) {
		return shown.String(), errors.Join(err, cmd.Wait())
	}
	return shown.String(), cmd.Wait()
}

// openTerminal returns both ends of a new pseudo-terminal.
func openTerminal() (terminal, program *os.File, err error) {
	terminal, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(terminal.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cannot unlock the terminal: %w", err), terminal.Close())
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cannot name the terminal: %w", err), terminal.Close())
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, errors.Join(err, terminal.Close())
	}
	return terminal, program, nil
}
