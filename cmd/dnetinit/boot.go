package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/boot"
	"github.com/lyft/dockernetes/internal/cli"
	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/internal/preflight"
	"github.com/lyft/dockernetes/internal/reaper"
	"github.com/lyft/dockernetes/pkg/phases"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

const (
	logDir    = "/var/log/dnetinit"
	notifyDir = "/run/dnetinit/notify"
)

// prepare makes what PID 1 runs: the graph that the configuration at path asks
// for, under a supervisor. Nothing has started when it returns.
func prepare(ctx context.Context, path string, log *zap.Logger) (cli.Machine, error) {
	host, err := config.Detect(ctx)
	if err != nil {
		return nil, err
	}
	c, err := config.Load(path, os.Getenv, host)
	if err != nil {
		return nil, err
	}
	findings := preflight.Run(ctx, preflight.Options{
		Listen:    boot.Listens(c),
		StateDirs: preflight.DefaultStateDirs(),
		LayerDirs: preflight.DefaultLayerDirs(),
	})
	if preflight.Failed(findings) {
		return nil, fmt.Errorf("this container can't run a cluster:\n%s", preflight.Text(findings))
	}
	for _, f := range findings {
		log.Warn(f.String())
	}
	if err := phases.Early(ctx, log); err != nil {
		return nil, err
	}
	graph, err := boot.Graph(c, log)
	if err != nil {
		return nil, err
	}
	r := reaper.New(log)
	s, err := supervisor.New(graph, supervisor.Options{
		Log: log, Reaper: r, LogDir: logDir, NotifyDir: notifyDir, Groups: boot.Groups(),
		Env: phases.OwnEnvironment(os.Environ()),
	})
	if err != nil {
		return nil, err
	}
	return machine{s, r}, nil
}

// machine is a supervisor with the reaper that it needs: orphans are reaped
// until the last unit is down.
type machine struct {
	*supervisor.Supervisor
	reaper *reaper.Reaper
}

// Run runs both until ctx ends and all units are down.
func (m machine) Run(ctx context.Context) error {
	reaping, stop := context.WithCancel(context.Background())
	reaped := make(chan error, 1)
	go func() { reaped <- m.reaper.Run(reaping) }()
	err := m.Supervisor.Run(ctx)
	stop()
	return errors.Join(err, <-reaped)
}
