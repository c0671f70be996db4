package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/logs"
	"github.com/lyft/dockernetes/internal/reaper"
)

// Options are what a Supervisor works with.
type Options struct {
	Log       *zap.Logger
	Reaper    *reaper.Reaper // starts the services' processes; its Run is the caller's to call
	Env       []string       // "NAME=value": what every service inherits, less what is addressed to the supervisor
	LogDir    string         // a file per service: LogDir/NAME.log
	NotifyDir string         // a notify socket per service
	// Groups returns the cgroup of a service, empty and ready for use. nil
	// means that services have no cgroups; then only a service's own process
	// is killed with it.
	Groups func(service string) (Group, error)
	// StopBudget bounds the whole shutdown; what is left by then is killed.
	// 0 means 8 s: Docker kills a container after 10.
	StopBudget time.Duration
}

// abandonAfter is how long after StopBudget, at which all is killed, the rest
// may take to be gone.
const abandonAfter = time.Second

// Supervisor runs a [Graph].
type Supervisor struct {
	options   Options
	board     *board
	units     map[string]*unit
	services  map[string]*service
	stopLimit chan struct{} // closed when StopBudget is over
}

// New checks the graph, opens the sockets and log files of its services, and
// returns a Supervisor that has started nothing yet. The error names every
// fault of the graph.
func New(g Graph, o Options) (*Supervisor, error) {
	rows, err := g.rows()
	if err != nil {
		return nil, err
	}
	if o.StopBudget == 0 {
		o.StopBudget = 8 * time.Second
	}
	s := &Supervisor{
		options:   o,
		board:     newBoard(rows),
		units:     map[string]*unit{},
		services:  map[string]*service{},
		stopLimit: make(chan struct{}),
	}
	for _, p := range g.Phases {
		s.add(unit{name: p.Name, kind: KindPhase, needs: p.Needs, tries: phaseTries, try: p.attempt, undo: p.Undo})
	}
	for _, m := range g.Milestones {
		s.add(unit{name: m.Name, kind: KindMilestone, needs: m.Needs, try: m.attempt})
	}
	for _, d := range g.Services {
		svc, err := newService(d, o, s.board, s.stopLimit)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.services[d.Name] = svc
		s.add(unit{name: d.Name, kind: KindService, needs: d.Needs, deferTo: d.Defer, wanted: svc.sockets.wanted, tries: serviceTries, try: svc.attempt})
	}
	for _, r := range rows {
		for _, need := range s.units[r.Name].needs {
			s.units[need].needers = append(s.units[need].needers, r.Name)
		}
	}
	return s, nil
}

func (s *Supervisor) add(u unit) {
	u.board = s.board
	u.commands = make(chan command)
	u.stopLimit = s.stopLimit
	s.units[u.name] = &u
}

// Run runs the graph until ctx ends, then stops it: each unit once all that
// need it are down. It returns when nothing is left, and may be called once.
// What can't be ended, such as a phase that does not heed its context or a
// process in an uninterruptible sleep, is left behind with an error that names
// it, a second after StopBudget: the end of PID 1 ends that, too.
func (s *Supervisor) Run(ctx context.Context) error {
	var owners sync.WaitGroup
	for _, u := range s.units {
		owners.Go(u.run)
	}
	<-ctx.Done()
	limit := time.AfterFunc(s.options.StopBudget, func() { close(s.stopLimit) })
	defer limit.Stop()
	s.board.stop()
	down := make(chan struct{})
	go func() {
		owners.Wait()
		close(down)
	}()
	select {
	case <-down:
	case <-time.After(s.options.StopBudget + abandonAfter):
		s.board.close()
		return fmt.Errorf("cannot stop %s: not down %s after the stop began", strings.Join(s.notDown(), ", "), s.options.StopBudget+abandonAfter)
	}
	s.board.close()
	return s.close()
}

// notDown lists the units that are not stopped, though nothing that needs them
// keeps them up.
func (s *Supervisor) notDown() []string {
	var names []string
	for _, u := range s.board.snapshot().Units {
		if u.State != Stopped && len(s.board.missing(s.units[u.Name].needers, Stopped)) == 0 {
			names = append(names, u.Name)
		}
	}
	return names
}

func (s *Supervisor) close() error {
	var errs []error
	for _, svc := range s.services {
		errs = append(errs, svc.close())
	}
	return errors.Join(errs...)
}

// Snapshot returns the state of every unit, with what each service uses of
// CPU and memory now.
func (s *Supervisor) Snapshot() Snapshot {
	snapshot := s.board.snapshot()
	for i := range snapshot.Units {
		u := &snapshot.Units[i]
		if svc, ok := s.services[u.Name]; ok {
			u.CPU, u.Memory = svc.usage()
		}
	}
	return snapshot
}

// Events streams the changes of state that follow the one numbered after: the
// last 1024 of them, then those to come, until ctx ends or all is stopped. A
// reader that is too slow misses events, which it sees by a jump of Seq.
func (s *Supervisor) Events(ctx context.Context, after uint64) <-chan Event {
	return s.board.events(ctx, after)
}

// Log returns the log of a service.
func (s *Supervisor) Log(service string) (*logs.Log, error) {
	svc, ok := s.services[service]
	if !ok {
		return nil, s.unknown(service)
	}
	return svc.log, nil
}

// Start starts a service that was stopped, or tries one at once that waits
// for its next try, and returns when it is ready, has failed or ctx ends.
func (s *Supervisor) Start(ctx context.Context, service string) error {
	return s.command(ctx, service, command{do: evStart}, Ready)
}

// Stop stops a service, which then stays down, and returns when it is.
func (s *Supervisor) Stop(ctx context.Context, service string) error {
	return s.command(ctx, service, command{do: evStop}, Stopped)
}

// Restart stops and starts a service, and returns when it is ready again, has
// failed or ctx ends.
func (s *Supervisor) Restart(ctx context.Context, service string) error {
	return s.command(ctx, service, command{do: evStop, again: true}, Ready)
}

// command gives a command to a unit's owner and waits for the state that it
// leads to.
func (s *Supervisor) command(ctx context.Context, name string, c command, goal State) error {
	u, ok := s.units[name]
	if !ok || u.kind != KindService {
		return s.unknown(name)
	}
	seq := s.board.lastSeq()
	c.reply = make(chan error, 1)
	select {
	case u.commands <- c:
	case <-ctx.Done():
		return fmt.Errorf("cannot reach %s: %w", name, ctx.Err())
	}
	if err := <-c.reply; err != nil {
		return err
	}
	for {
		changed := s.board.changed()
		row, _ := s.board.row(name)
		events, closed := s.board.since(seq)
		moved := slices.ContainsFunc(events, func(e Event) bool { return e.Unit == name && e.From != e.To })
		switch {
		case row.State == goal && (moved || !c.again):
			return nil
		case moved && (row.State == Backoff || row.State == Degraded):
			return fmt.Errorf("cannot start %s: %s", name, row.Reason)
		case closed || s.board.isStopping():
			return fmt.Errorf("cannot start %s: everything is being stopped", name)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s is not %s yet but %s: %w", name, goal, row.State, ctx.Err())
		}
	}
}

// unknown is the error for a name that is none of a service.
func (s *Supervisor) unknown(name string) error {
	if u, ok := s.units[name]; ok {
		return fmt.Errorf("%s is a %s, not a service", name, u.kind)
	}
	var names []string
	for name := range s.services {
		names = append(names, name)
	}
	slices.Sort(names)
	return fmt.Errorf("there is no service called %q; the services are %s", name, strings.Join(names, ", "))
}
