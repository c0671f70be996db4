// Command bench measures how fast a cluster is ready and what it costs, against
// a yardstick of the same run: etcd and kube-apiserver alone, from empty
// directories until /readyz, which is what envtest starts. It drives the docker
// client, prints a table, and writes it as JSON and Markdown.
//
// Read [rows] first, in rows.go: that is what is measured. coldboot.go,
// restart.go and yardstick.go measure it. The program also is the yardstick
// itself, inside of a container: inside.go.
//
// It is told by variables what to do:
//
//	BENCH_N       cold boots, restarts and yardsticks (10)
//	BENCH_LONG    how many of the boots are kept to measure memory and idling (3)
//	BENCH_SETTLE  how long a cluster rests before its memory is measured (30s)
//	BENCH_IDLE    for how long its idling is measured (60s)
//	BENCH_OUT     the folder for bench.json, bench.md and the last boot's boot.svg (.build/bench)
//	BENCH_DOC     a Markdown file whose table is to be replaced, such as docs/benchmarks.md
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

// options are what the variables say.
type options struct {
	n, long      int
	settle, idle time.Duration
	out, doc     string
}

func main() {
	run := measure
	if len(os.Args) > 1 && os.Args[1] == insideArgument {
		run = inside
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func readOptions(getenv func(string) string) (o options, err error) {
	number := func(name string, otherwise int) int {
		text := getenv(name)
		if text == "" {
			return otherwise
		}
		n, e := strconv.Atoi(text)
		if e != nil || n < 0 {
			err = errors.Join(err, fmt.Errorf("%s=%q is no number of runs", name, text))
		}
		return n
	}
	length := func(name string, otherwise time.Duration) time.Duration {
		text := getenv(name)
		if text == "" {
			return otherwise
		}
		d, e := time.ParseDuration(text)
		if e != nil || d < 0 {
			err = errors.Join(err, fmt.Errorf("%s=%q is no length of time, such as 30s", name, text))
		}
		return d
	}
	o = options{
		n: number("BENCH_N", 10), long: number("BENCH_LONG", 3),
		settle: length("BENCH_SETTLE", 30*time.Second), idle: length("BENCH_IDLE", time.Minute),
		out: getenv("BENCH_OUT"), doc: getenv("BENCH_DOC"),
	}
	if o.out == "" {
		o.out = filepath.Join(".build", "bench")
	}
	return o, err
}

// measure does everything, in an order that spreads what else the machine does
// over boots and yardsticks alike.
func measure(ctx context.Context) error {
	o, err := readOptions(os.Getenv)
	if err != nil {
		return err
	}
	if err := rig.Missing(); err != nil {
		return err
	}
	b := &bench{options: o, values: values{}, began: time.Now(), load: loadAverage()}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if o.n > 0 {
		defer b.last().remove() // which restarts needs
	}
	for i := range o.n {
		if err := b.yardstick(ctx, i); err != nil {
			return err
		}
		if err := b.coldBoot(ctx, i); err != nil {
			return err
		}
	}
	if err := b.restarts(ctx); err != nil {
		return err
	}
	if err := b.imageSize(ctx); err != nil {
		return err
	}
	return b.report()
}

// bench is one run of everything.
type bench struct {
	options
	values values
	began  time.Time
	load   string // the load average when it began
	app    []byte // an archive with the image of the pod, for ctr
	binary []byte // the program in it
	plot   []byte // of the last cold boot
}

// last is the container of the last cold boot.
func (b *bench) last() container { return name("boot", b.n-1) }

// say tells the progress.
func say(format string, args ...any) { fmt.Printf("bench: "+format+"\n", args...) }
