package rig

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// BootTimeout bounds the wait for a boot. A boot takes seconds; a machine that
// does other things besides may take a few dozen.
var BootTimeout = Patience(3 * time.Minute)

// Cluster is a Dockernetes container.
type Cluster struct {
	// Name is the container's name or ID.
	Name string
}

// Setup says how a container is started.
type Setup struct {
	// Args are given to docker run before the image.
	Args []string
	// Command follows the image.
	Command []string
	// Unprivileged leaves out --privileged.
	Unprivileged bool
}

var started atomic.Int64

// FreshName is a name that nothing on this engine has yet.
func FreshName(what string) string {
	return fmt.Sprintf("dockernetes-test-%d-%s%d", os.Getpid(), what, started.Add(1))
}

// New starts a container of the test's own and removes it when the test ends.
// It doesn't wait for the boot: see [Cluster.Ready].
func New(t testing.TB, s Setup) *Cluster {
	t.Helper()
	c, r := TryNew(t, s)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// TryNew is New where docker run itself may fail.
func TryNew(t testing.TB, s Setup) (*Cluster, Result) {
	t.Helper()
	Need(t)
	args := []string{"run", "--detach"}
	if !s.Unprivileged {
		args = append(args, Privileges()...)
	}
	c := &Cluster{Name: FreshName("c")}
	args = append(args, "--name", c.Name)
	args = slices.Concat(args, s.Args, []string{Image()}, s.Command)
	Sweep(Container, c.Name)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience(time.Minute))
		defer cancel()
		if t.Failed() {
			c.Explain(ctx, t)
		}
		remove(ctx, Container, c.Name)
	})
	ctx, cancel := context.WithTimeout(t.Context(), Patience(time.Minute))
	defer cancel()
	return c, Docker(ctx, args...)
}

// StartAs starts a container by the very words of a documented line, which
// begin with "docker run". The image's name in it is replaced by that of the
// image under test, and --privileged by the documented list where the engine
// refuses it.
func StartAs(ctx context.Context, line string) (*Cluster, error) {
	var args []string
	for _, word := range strings.Fields(line)[1:] {
		switch word {
		case "lyft/dockernetes":
			args = append(args, Image())
		case "--privileged":
			args = append(args, Privileges()...)
		default:
			args = append(args, word)
		}
	}
	r := Docker(ctx, args...)
	if err := r.Err(); err != nil {
		return nil, err
	}
	c := &Cluster{Name: strings.TrimSpace(r.Stdout)}
	Sweep(Container, c.Name)
	return c, nil
}

// Ready waits until the whole cluster is ready. It may be used in a cleanup,
// too.
func (c *Cluster) Ready(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), BootTimeout+15*time.Second)
	defer cancel()
	if err := c.exec(ctx, nil, "dnetinit", "wait", "--timeout="+BootTimeout.String()).Err(); err != nil {
		t.Fatal(err)
	}
}

// Try runs a program in the container, for at most two minutes.
func (c *Cluster) Try(t testing.TB, args ...string) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience(2*time.Minute))
	defer cancel()
	return c.exec(ctx, nil, args...)
}

// Exec is Try for what must end with status 0; it returns the program's stdout.
func (c *Cluster) Exec(t testing.TB, args ...string) string {
	t.Helper()
	r := c.Try(t, args...)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return r.Stdout
}

// Shell runs a script in the container's shell, which ends at the first
// command that fails.
func (c *Cluster) Shell(t testing.TB, script string) string {
	t.Helper()
	return c.Exec(t, "sh", "-ec", script)
}

// Put writes a file into the container. docker cp wouldn't do: it doesn't see
// what is mounted inside, such as /run and /tmp.
func (c *Cluster) Put(t testing.TB, path string, content []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience(time.Minute))
	defer cancel()
	script := `mkdir -p "$(dirname "$0")" && cat > "$0" && chmod 755 "$0"`
	if err := c.exec(ctx, content, "sh", "-ec", script, path).Err(); err != nil {
		t.Fatal(err)
	}
}

// Docker runs a command of the docker client of the host about this
// container, whose name follows the arguments.
func (c *Cluster) Docker(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience(2*time.Minute))
	defer cancel()
	r := Docker(ctx, append(args, c.Name)...)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(r.Stdout)
}

// Inspect returns a part of what the engine knows of the container, as a Go
// template selects it.
func (c *Cluster) Inspect(t testing.TB, template string) string {
	t.Helper()
	return c.Docker(t, "inspect", "--format", template)
}

// Address is the container's IPv4 address in the engine's network.
func (c *Cluster) Address(t testing.TB) string {
	t.Helper()
	addresses := strings.Fields(c.Inspect(t, "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"))
	if len(addresses) == 0 {
		t.Fatalf("container %s has no address", c.Name)
	}
	return addresses[0]
}

// Logs are what docker logs shows.
func (c *Cluster) Logs(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience(time.Minute))
	defer cancel()
	return Docker(ctx, "logs", c.Name).Output()
}

// Explain writes what a reader of a failed test wants to know of the cluster.
func (c *Cluster) Explain(ctx context.Context, t testing.TB) {
	if r := c.exec(ctx, nil, "dnetinit", "status"); r.Code == 0 {
		t.Logf("dnetinit status:\n%s", r.Stdout)
		return
	}
	t.Logf("docker logs %s:\n%s", c.Name, lastLines(Docker(ctx, "logs", "--tail", "60", c.Name).Output(), 60))
}

func (c *Cluster) exec(ctx context.Context, stdin []byte, args ...string) Result {
	words := []string{"exec"}
	if stdin == nil {
		return Docker(ctx, slices.Concat(words, []string{c.Name}, args)...)
	}
	words = slices.Concat(words, []string{"--interactive", c.Name}, args)
	return Run(ctx, bytes.NewReader(stdin), "docker", words...)
}
