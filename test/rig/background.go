package rig

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
)

// Background is a program that runs in the container while the test goes on.
type Background struct {
	cmd   *exec.Cmd
	lines chan string
	end   sync.WaitGroup
}

// Background starts a program in the container. It is given up when the test
// ends; since an exec's process outlives its client, it runs under timeout(1).
func (c *Cluster) Background(t testing.TB, args ...string) *Background {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	words := slices.Concat([]string{"exec", c.Name, "timeout", "60"}, args)
	b := &Background{cmd: exec.CommandContext(ctx, "docker", words...), lines: make(chan string, 1000)}
	b.cmd.WaitDelay = time.Second
	output, input := io.Pipe()
	b.cmd.Stdout, b.cmd.Stderr = input, input
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.end.Go(func() {
		defer close(b.lines)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			b.lines <- scanner.Text()
		}
	})
	b.end.Go(func() {
		b.cmd.Wait()
		input.Close()
	})
	t.Cleanup(func() {
		cancel()
		for range b.lines {
		}
		b.end.Wait()
	})
	return b
}

// Line waits for the next line that the program writes and that fits. The
// test fails if the program ends before, or after the given time.
func (b *Background) Line(t testing.TB, within time.Duration, fits func(string) bool) string {
	t.Helper()
	late := time.After(within)
	for {
		select {
		case line, open := <-b.lines:
			if !open {
				t.Fatalf("%v ended", b.cmd.Args)
			}
			if fits(line) {
				return line
			}
		case <-late:
			t.Fatalf("%v wrote nothing that fits within %v", b.cmd.Args, within)
		}
	}
}
