package cli

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/reaper"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// reaped is a real supervisor with its reaper.
type reaped struct {
	*supervisor.Supervisor
	reaper *reaper.Reaper
}

func (r reaped) Run(ctx context.Context) error {
	reaping, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.reaper.Run(reaping) }()
	err := r.Supervisor.Run(ctx)
	stop()
	return errors.Join(err, <-done)
}

func TestTheCommandsWorkWithARealSupervisor(t *testing.T) {
	e, stdout, stderr := world(t)
	e.PID = 1
	dir := filepath.Dir(e.Socket)
	e.Boot = func(_ context.Context, _ string, log *zap.Logger) (Machine, error) {
		r := reaper.New(log)
		var s *supervisor.Supervisor
		hasSpoken := func(context.Context) error {
			if l, err := s.Log("sleeper"); err != nil || len(l.Tail(1)) == 0 {
				return errors.New("it has not said anything yet")
			}
			return nil
		}
		var err error
		s, err = supervisor.New(supervisor.Graph{
			Phases: []supervisor.Phase{{Name: "prepare", Run: func(context.Context) error { return nil }}},
			Services: []supervisor.Service{{
				Name: "sleeper", Needs: []string{"prepare"},
				Command: []string{"/bin/sh", "-c", "echo good morning; exec sleep 600"},
				Ready:   supervisor.Readiness{Probe: hasSpoken},
			}},
			Milestones: []supervisor.Milestone{{Name: "ready", Needs: []string{"sleeper"}}},
		}, supervisor.Options{Log: log, Reaper: r, LogDir: dir, NotifyDir: dir, StopBudget: 5 * time.Second})
		return reaped{s, r}, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	code := start(ctx, e, "init")
	defer func() {
		cancel()
		if got := <-code; got != 0 {
			t.Errorf("init: got status %d: %s", got, stderr)
		}
		stdout.await(t, "Everything is stopped after")
	}()

	for _, step := range []struct{ line, want string }{
		{"wait", "✓ ready"},
		{"wait --for=sleeper", "✓ sleeper"},
		{"logs sleeper", "good morning"},
		{"restart sleeper", "sleeper is ready again"},
		{"stop sleeper", "sleeper is stopped"},
		{"start sleeper", "sleeper is ready\n"},
		{"wait", "✓ ready"},
		{"status", "service    sleeper"},
	} {
		if got := e.run(context.Background(), strings.Fields(step.line)); got != 0 {
			t.Fatalf("%s: got status %d: %s", step.line, got, stderr)
		}
		stdout.await(t, step.want)
	}
	if got := e.systemctl(context.Background(), []string{"is-active", "multi-user.target"}); got != 0 {
		t.Errorf("systemctl: got status %d", got)
	}
	if got := e.run(context.Background(), []string{"start", "ready"}); got != exitUsage {
		t.Errorf("start ready: got status %d", got)
	}
}
