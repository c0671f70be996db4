package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

// insideArgument makes the program be the yardstick in a container.
const insideArgument = "inside"

// took is what the yardstick says of itself, as one line of JSON.
type took struct {
	Seconds    float64 `json:"seconds"` // from etcd's start to /readyz
	CPUSeconds float64 `json:"cpuSeconds"`
}

// yardstick runs etcd and kube-apiserver alone, in a container of the same
// image whose PID 1 is this program.
func (b *bench) yardstick(ctx context.Context, i int) error {
	c := name("yardstick", i)
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this program: %w", err)
	}
	defer c.remove()
	// Privileged as the cluster is: a seccomp filter costs time, too.
	create := append([]string{"create", "--name", c.name, "--entrypoint", "/usr/local/bin/yardstick", "--no-healthcheck"}, rig.Privileges()...)
	if _, err := docker(ctx, append(create, rig.Image(), insideArgument)...); err != nil {
		return err
	}
	if _, err := docker(ctx, "cp", self, c.name+":/usr/local/bin/yardstick"); err != nil {
		return err
	}
	t, err := attach(ctx, c)
	if err != nil {
		return err
	}
	b.values.add("yardstick.ready", t.Seconds)
	b.values.add("yardstick.cpu", t.CPUSeconds)
	say("yardstick %d of %d: /readyz after %.2f s", i+1, b.n, t.Seconds)
	if i >= b.long {
		return nil
	}
	return b.rest(ctx, c, "yardstick.workingSet", "yardstick.pss", "yardstick.idle")
}

// attach starts the container and returns the first line that it says.
func attach(ctx context.Context, c container) (t took, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", "start", "--attach", c.name)
	cmd.WaitDelay = time.Second
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return t, err
	}
	if err := cmd.Start(); err != nil {
		return t, fmt.Errorf("cannot start the yardstick: %w", err)
	}
	line, readErr := bufio.NewReader(out).ReadBytes('\n')
	// The client has to go and the container to stay, so it gets no signal
	// that it would pass on.
	if err := cmd.Process.Kill(); err == nil {
		_ = cmd.Wait() // it was killed
	}
	if readErr != nil {
		return t, fmt.Errorf("the yardstick said nothing: %w", readErr)
	}
	if err := json.Unmarshal(line, &t); err != nil {
		return t, fmt.Errorf("cannot read what the yardstick said, %q: %w", line, err)
	}
	return t, nil
}
