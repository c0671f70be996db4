package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/internal/bootrecord"
	"github.com/lyft/dockernetes/internal/cgroup"
	"github.com/lyft/dockernetes/internal/cli"
	"github.com/lyft/dockernetes/internal/reaper"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// runInit is the PID 1 under test: the real command line over a graph of the
// tests.
func runInit() int {
	groups, err := enterCgroups()
	if err == nil {
		err = unix.Mount("proc", "/proc", "proc", 0, "")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot prepare the namespaces:", err)
		return 1
	}
	dir := os.Getenv("FAULTS_DIR")
	e := cli.System()
	e.Socket = filepath.Join(dir, "s")
	e.ReadyFile = filepath.Join(dir, "ready")
	e.VersionsFile = filepath.Join(dir, "versions.json")
	e.Boots = bootrecord.Store{Dir: filepath.Join(dir, "boots")}
	e.Boot = func(_ context.Context, _ string, log *zap.Logger) (cli.Machine, error) {
		r := reaper.New(log)
		s, err := supervisor.New(scenarios[os.Getenv("FAULTS_SCENARIO")](dir), supervisor.Options{
			Log: log, Reaper: r, LogDir: filepath.Join(dir, "log"), NotifyDir: filepath.Join(dir, "notify"),
			Env: os.Environ(), Groups: groups,
		})
		return reaped{s, r}, err
	}
	return e.Main(context.Background(), []string{"init"})
}

// reaped is a supervisor with the reaper that it needs.
type reaped struct {
	*supervisor.Supervisor
	reaper *reaper.Reaper
}

func (r reaped) Run(ctx context.Context) error {
	reaping, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.reaper.Run(reaping) }()
	err := r.Supervisor.Run(ctx)
	stop()
	return errors.Join(err, <-done)
}

// group is a cgroup as the supervisor wants it.
type group struct{ *cgroup.Group }

func (g group) Place(spec *reaper.Spec) { spec.CgroupFD, spec.Cgroups = g.FD(), g.Dirs() }
func (g group) Contains(pid int) bool   { return slices.Contains(g.Procs(), pid) }
func (g group) Usage() (cpu float64, bytes uint64) {
	s := g.Stats()
	return s.CPUSeconds, s.MemoryBytes
}
func (g group) OOMKills() uint64 { return g.Stats().OOMKills }

// groupsOf makes the cgroups of services as a container's PID 1 does.
func groupsOf(tree *cgroup.Tree) func(string) (supervisor.Group, error) {
	return func(name string) (supervisor.Group, error) {
		g, err := tree.New(name)
		if err != nil {
			return nil, err
		}
		return group{g}, nil
	}
}

// prepared is the tree of cgroups that this process finds itself in, made fit
// for services.
func prepared() (*cgroup.Tree, error) {
	tree, err := cgroup.Detect()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = tree.Prepare(ctx)
	return tree, err
}
