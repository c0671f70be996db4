package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/lyft/dockernetes/internal/bootreport"
	"github.com/lyft/dockernetes/test/rig"
)

// patience bounds each single call of the docker client.
const patience = 3 * time.Minute

// container is one that the engine runs for us.
type container struct{ name string }

func name(what string, i int) container {
	return container{fmt.Sprintf("dockernetes-bench-%d-%s%d", os.Getpid(), what, i)}
}

// docker runs the client and returns what it wrote to stdout.
func docker(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := rig.Docker(ctx, args...)
	return strings.TrimSpace(r.Stdout), r.Err()
}

// run starts the container as a user would.
func (c container) run(ctx context.Context) error {
	_, err := docker(ctx, append(append([]string{"run", "--detach", "--name", c.name}, rig.Privileges()...), rig.Image())...)
	return err
}

func (c container) exec(ctx context.Context, args ...string) (string, error) {
	return docker(ctx, append([]string{"exec", c.name}, args...)...)
}

func (c container) script(ctx context.Context, script string) (string, error) {
	return c.exec(ctx, "sh", "-euc", script)
}

// feed is script with something to read.
func (c container) feed(ctx context.Context, stdin []byte, script string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return rig.Run(ctx, bytes.NewReader(stdin), "docker", "exec", "--interactive", c.name, "sh", "-euc", script).Err()
}

// remove works after an interrupt, too.
func (c container) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := docker(ctx, "rm", "--force", "--volumes", c.name); err != nil {
		say("cannot remove the container %s: %v", c.name, err)
	}
}

// record returns the record of the boot that began after begun, once that is
// complete.
func (c container) record(ctx context.Context, begun time.Time) (bootreport.Record, error) {
	deadline := time.After(20 * time.Second)
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		text, err := c.script(ctx, `ls /var/log/dnetinit/boots/*.json | tail -1 | xargs cat`)
		if err == nil {
			r, parseErr := bootreport.Parse([]byte(text))
			if parseErr == nil && r.Zero.After(begun) && r.Times().Ready != 0 {
				return r, nil
			}
			err = fmt.Errorf("the newest record in %s is not that of a complete boot: %w", c.name, parseErr)
		}
		select {
		case <-again.C:
		case <-deadline:
			return bootreport.Record{}, err
		case <-ctx.Done():
			return bootreport.Record{}, ctx.Err()
		}
	}
}

// The counters of the container's own cgroup, on v1 or v2.
const (
	printCPU = `cpu() { cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || sed -n 's/^usage_usec \(.*\)/\1000/p' /sys/fs/cgroup/cpu.stat; }; `

	printMemory = `
if cd /sys/fs/cgroup/memory 2>/dev/null; then
	echo $(($(cat memory.usage_in_bytes) - $(sed -n 's/^total_inactive_file //p' memory.stat)))
else
	echo $(($(cat /sys/fs/cgroup/memory.current) - $(sed -n 's/^inactive_file //p' /sys/fs/cgroup/memory.stat)))
fi
cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/ { kb += $2 } END { printf "%.0f\n", kb * 1024 }'
`
)

// numbers runs a script that prints numbers, one a line.
func (c container) numbers(ctx context.Context, n int, script string) ([]float64, error) {
	text, err := c.script(ctx, script)
	if err != nil {
		return nil, err
	}
	var numbers []float64
	for field := range strings.FieldsSeq(text) {
		f, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return nil, fmt.Errorf("cannot measure %s: %w", c.name, err)
		}
		numbers = append(numbers, f)
	}
	if len(numbers) != n {
		return nil, fmt.Errorf("cannot measure %s: got %q and not %d numbers", c.name, text, n)
	}
	return numbers, nil
}

// rest measures memory and idling, as BENCH_SETTLE and BENCH_IDLE say.
func (b *bench) rest(ctx context.Context, c container, workingSet, pss, idle string) error {
	select {
	case <-time.After(b.settle):
	case <-ctx.Done():
		return ctx.Err()
	}
	memory, err := c.numbers(ctx, 2, printMemory)
	if err != nil {
		return err
	}
	b.values.add(workingSet, memory[0]/1e6)
	b.values.add(pss, memory[1]/1e6)
	if b.idle == 0 {
		return nil
	}
	cpu, err := c.numbers(ctx, 2, printCPU+fmt.Sprintf("cpu; sleep %.3f; cpu", b.idle.Seconds()))
	if err != nil {
		return err
	}
	b.values.add(idle, (cpu[1]-cpu[0])/1e9/b.idle.Seconds()*100)
	return nil
}
