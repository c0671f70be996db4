package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// scenarios are the graphs that PID 1 may be started with; dir is the
// machine's directory.
var scenarios = map[string]func(dir string) supervisor.Graph{
	// Two services that need each other in a row, and one beside them.
	"cluster": func(string) supervisor.Graph {
		return supervisor.Graph{
			Phases:     []supervisor.Phase{{Name: "pki", Run: nothing}},
			Services:   []supervisor.Service{service("etcd", "ready", "pki"), service("apiserver", "ready", "etcd"), service("beside", "ready")},
			Milestones: []supervisor.Milestone{{Name: "ready", Needs: []string{"apiserver"}}},
		}
	},
	// Two phases and two services, each of which may be held at its beginning
	// and its end.
	"held": func(dir string) supervisor.Graph {
		phase := func(name string, needs ...string) supervisor.Phase {
			return supervisor.Phase{
				Name: name, Needs: needs,
				Run: func(ctx context.Context) error {
					hold(ctx, dir, name+" begins")
					if ctx.Err() == nil {
						hold(ctx, dir, name+" ends")
					}
					return ctx.Err()
				},
				Undo: func(context.Context) error {
					hold(context.Background(), dir, name+" is undone")
					return os.WriteFile(filepath.Join(dir, name+" undone"), nil, 0o600)
				},
			}
		}
		held := func(name string, needs ...string) supervisor.Service {
			s := service(name, "ready", needs...)
			s.Ready.Probe = func(ctx context.Context) error {
				hold(ctx, dir, name+" is asked")
				return ctx.Err()
			}
			return s
		}
		return supervisor.Graph{
			Phases:   []supervisor.Phase{phase("mounts"), phase("pki", "mounts"), phase("addons", "apiserver")},
			Services: []supervisor.Service{held("etcd", "pki"), held("apiserver", "etcd")},
			Milestones: []supervisor.Milestone{{Name: "ready", Needs: []string{"addons"}, Observe: func(ctx context.Context) error {
				hold(ctx, dir, "ready is observed")
				return ctx.Err()
			}}},
		}
	},
	// A service with a grandchild that does not heed SIGTERM.
	"parent": func(string) supervisor.Graph {
		s := service("parent", "parent")
		s.Stop.Budget = shortBudget
		return supervisor.Graph{Services: []supervisor.Service{s}, Milestones: []supervisor.Milestone{{Name: "ready", Needs: []string{"parent"}}}}
	},
	// A service that is a fork bomb. It waits for somebody to write to the fifo
	// "go".
	"bomb": func(dir string) supervisor.Graph {
		s := service("bomb", "bomb", "armed")
		s.Stop.Budget = shortBudget
		return supervisor.Graph{
			Phases: []supervisor.Phase{{Name: "armed", Run: func(context.Context) error {
				_, err := os.ReadFile(filepath.Join(dir, "go"))
				return err
			}}},
			Services:   []supervisor.Service{s, service("beside", "ready")},
			Milestones: []supervisor.Milestone{{Name: "ready", Needs: []string{"bomb", "beside"}}},
		}
	},
	// A service that is asked over its own socket, often.
	"answers": func(dir string) supervisor.Graph {
		s := service("etcd", "answers")
		socket := filepath.Join(dir, "etcd.sock")
		s.Env = append(s.Env, "FAULTS_SOCKET="+socket)
		s.Ready.Interval = 100 * time.Millisecond
		s.Ready.Probe = func(ctx context.Context) error { return ask(ctx, socket) }
		return supervisor.Graph{Services: []supervisor.Service{s}, Milestones: []supervisor.Milestone{{Name: "ready", Needs: []string{"etcd"}}}}
	},
	// A service that takes much memory when it is told to, and one beside it.
	"hungry": func(dir string) supervisor.Graph {
		s := service("hungry", "hungry")
		s.Env = append(s.Env, "FAULTS_SOCKET="+filepath.Join(dir, "hungry.sock"), "FAULTS_MEGABYTES=256")
		return supervisor.Graph{Services: []supervisor.Service{s, service("beside", "ready")}}
	},
	// A service whose program is a file of the test's.
	"program": func(dir string) supervisor.Graph {
		s := service("etcd", "ready")
		s.Command = []string{filepath.Join(dir, "program")}
		return supervisor.Graph{Services: []supervisor.Service{s, service("beside", "ready")}, Milestones: []supervisor.Milestone{{Name: "ready", Needs: []string{"etcd"}}}}
	},
	// A service that never works.
	"crash": func(string) supervisor.Graph {
		return supervisor.Graph{Services: []supervisor.Service{service("etcd", "crash")}, Milestones: []supervisor.Milestone{{Name: "ready", Needs: []string{"etcd"}}}}
	},
}

// shortBudget is that of the services that use it up.
const shortBudget = 700 * time.Millisecond

func nothing(context.Context) error { return nil }

// hold waits at a point of a scenario for ctx, if it is the point that the test
// has chosen, and lets the test know. "!" after the point means for ever,
// whatever ctx says.
func hold(ctx context.Context, dir, point string) {
	switch os.Getenv("FAULTS_HOLD") {
	case point:
	case point + "!":
		ctx = context.Background()
	default:
		return
	}
	if err := os.WriteFile(filepath.Join(dir, "held"), nil, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	<-ctx.Done()
}

// ask is a probe of the child "answers".
func ask(ctx context.Context, socket string) error {
	c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return err
		}
	}
	answer, err := io.ReadAll(c)
	if err == nil && string(answer) != "ok" {
		err = errors.New("no answer")
	}
	return err
}
