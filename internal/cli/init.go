package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/lyft/dockernetes/internal/bootlog"
	"github.com/lyft/dockernetes/internal/bootrecord"
	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/internal/readiness"
	"github.com/lyft/dockernetes/internal/told"
)

// defaultConfig is the user's configuration.
const defaultConfig = "/etc/dnetinit/config.yaml"

// lastWords is how long the end waits for what only writes or answers, once
// everything is stopped.
const lastWords = 500 * time.Millisecond

// Machine is what PID 1 runs, configured and checked: a supervisor and its graph.
type Machine interface {
	control.Engine
	// Run runs it until ctx ends, and returns when all is down again.
	Run(ctx context.Context) error
}

func (e *Env) initCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "init",
		Short: "Boot: what PID 1 of the container does",
		Long: `Boots the cluster and keeps it running until SIGTERM, SIGINT, SIGPWR or
SIGRTMIN+3; then stops everything and ends with status 0. It must be PID 1, so it
is the container's command, also by the name /sbin/init, and no --init is given.`,
		Example: "  docker run --detach --privileged lyft/dockernetes",
		Args:    noArgs,
	}
	config := c.Flags().String("config", defaultConfig, "a file of kubeadm, kubelet and kube-proxy configuration documents; the default one need not exist")
	chaos := c.Flags().Bool("chaos", false, "allow dnetinit chaos, as DNET_CHAOS=1 does")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if e.PID != 1 {
			return &exit{exitFailure, fmt.Sprintf("init must be PID 1 of the container, but is %d: "+
				"start the container without --init, with nothing in front of /sbin/init", e.PID)}
		}
		if e.Boot == nil {
			return errors.New("this dnetinit was built without what it is to boot")
		}
		if c.Flags().Changed("config") {
			if _, err := os.Stat(*config); err != nil {
				return usagef("cannot read the configuration: %v", err)
			}
		}
		return e.boot(c.Context(), *config, *chaos || e.Getenv("DNET_CHAOS") == "1")
	}
	return c
}

// boot runs everything, from the first line to the last.
func (e *Env) boot(ctx context.Context, config string, chaos bool) error {
	ctx, stopListening := e.untilTold(ctx)
	defer stopListening()
	log := e.logger()
	versions, err := e.versions()
	if err != nil {
		return err
	}
	// A container that was killed leaves the file, and nobody is to be told
	// that this boot is over.
	if err := readiness.Remove(e.ReadyFile); err != nil {
		return err
	}
	// The engine's socket is for this process alone: what a child says there,
	// the engine would take for the container's word.
	notifySocket := e.Getenv("NOTIFY_SOCKET")
	if err := os.Unsetenv("NOTIFY_SOCKET"); err != nil {
		return err
	}
	machine, err := e.Boot(ctx, config, log)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil { // told to stop meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	listener, err := control.Listen(e.Socket)
	if err != nil {
		return err
	}

	// Readiness ends with ctx, at once: from the first signal on, the cluster
	// is not ready. The server and the log live until all is down.
	served, stopServing := context.WithCancel(context.Background())
	defer stopServing()
	written, stopWriting := context.WithCancel(context.Background())
	defer stopWriting()
	running, stopRunning := context.WithCancel(ctx)
	defer stopRunning()
	server := control.NewServer(machine, versions, log)
	recorder, stopMeter := e.recorder(machine, versions, log)
	server.Record = recorder.Record
	server.Chaos = chaos
	file := readiness.File{Path: e.ReadyFile, Engine: machine, Versions: versions, Log: log,
		NotifySocket: notifySocket, Notify: e.Notify}
	story := bootlog.Log{Engine: machine, Out: e.Stdout, Versions: versions}
	var parts sync.WaitGroup
	parts.Go(func() {
		defer stopMeter()
		recorder.Run(running)
	})
	parts.Go(func() {
		if err := server.Serve(served, listener); err != nil {
			log.Error("the control socket does not answer any more", zap.Error(err))
		}
	})
	parts.Go(func() {
		if err := file.Run(running); err != nil {
			log.Error("the readiness file is not kept any more", zap.Error(err))
		}
	})
	storyTold := make(chan struct{})
	parts.Go(func() {
		defer close(storyTold)
		if err := story.Run(written); err != nil {
			log.Error("the boot log is not written any more", zap.Error(err))
		}
	})

	err = machine.Run(running)
	stopRunning()
	stopServing()
	ended := make(chan struct{})
	go func() {
		parts.Wait()
		close(ended)
	}()
	// Nobody may read our standard output any more; that must not keep the
	// container from ending.
	select {
	case <-storyTold:
	case <-time.After(lastWords):
		stopWriting()
	}
	select {
	case <-ended:
	case <-time.After(lastWords):
	}
	if err != nil {
		return fmt.Errorf("cannot go on: %w", err)
	}
	return nil
}

// recorder makes what records this boot, and what is to be called when it has.
func (e *Env) recorder(machine Machine, versions control.Versions, log *zap.Logger) (r *bootrecord.Recorder, done func()) {
	meter := &bootrecord.Meter{}
	forked, err := bootrecord.Forked()
	if err != nil {
		log.Warn("it is not known when the container was made", zap.Error(err))
	}
	return &bootrecord.Recorder{
		Engine: machine, Zero: e.Zero, Forked: forked, Versions: versions,
		Store: e.Boots, Log: log, Sample: meter.Read,
	}, meter.Close
}

// untilTold returns a context that ends with the first signal that means stop.
// The later ones change nothing: the stop is as fast as it can be, and has an
// end. Other signals that would end a program are taken and ignored: PID 1
// must not die of a standard output that nobody reads.
func (e *Env) untilTold(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	sent := make(chan os.Signal, 1)
	signal.Notify(sent, told.Stop()...)
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, syscall.SIGHUP, syscall.SIGPIPE)
	done := make(chan struct{})
	var owner sync.WaitGroup
	stop := func(s os.Signal) {
		if ctx.Err() == nil {
			fmt.Fprintf(e.Stdout, "Got %s.\n", signalName(s))
		}
		cancel()
	}
	owner.Go(func() {
		for {
			select {
			case s := <-sent:
				stop(s)
			case s := <-e.Told:
				stop(s)
			case <-ignored:
			case <-done:
				return
			}
		}
	})
	return ctx, func() {
		signal.Stop(sent)
		signal.Stop(ignored)
		close(done)
		owner.Wait()
		cancel()
	}
}

func signalName(s os.Signal) string {
	switch s {
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGINT:
		return "SIGINT"
	case syscall.SIGPWR:
		return "SIGPWR"
	case told.SIGRTMIN3:
		return "SIGRTMIN+3"
	}
	return s.String()
}

// logger is for what is neither the boot's story nor a service's output.
func (e *Env) logger() *zap.Logger {
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = zapcore.ISO8601TimeEncoder
	c.EncodeLevel = zapcore.CapitalLevelEncoder
	level := zap.InfoLevel
	if e.Getenv("DNETINIT_DEBUG") != "" {
		level = zap.DebugLevel
	}
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(c), zapcore.Lock(zapcore.AddSync(e.Stderr)), level))
}
