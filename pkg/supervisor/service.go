package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/logs"
)

// Defaults of a service's declaration, and the pace of its supervision.
const (
	readyTimeout   = 4 * time.Minute // an API server takes two where a machine is emulated
	probeInterval  = 10 * time.Second
	stopBudget     = 3 * time.Second
	probesToHang   = 3               // failed probes in a row that mean a hang
	dumpBudget     = time.Second     // for a hung program to write its stack after SIGQUIT
	killBudget     = 2 * time.Second // for SIGKILL to empty a cgroup
	flushBudget    = 250 * time.Millisecond
	linesOnFailure = 10
	linesOfPanic   = 500 // how far back the words of a panic are looked for
)

// service is a declared service with what outlives its processes: log,
// sockets, cgroup.
type service struct {
	Service
	options   Options
	board     *board
	log       *logs.Log
	sockets   sockets
	stopLimit <-chan struct{}
	group     atomic.Pointer[Group]   // nil until it first starts
	current   atomic.Pointer[process] // nil while none runs
	harmed    sync.Mutex              // held while chaos lasts
}

func newService(d Service, o Options, b *board, stopLimit <-chan struct{}) (*service, error) {
	if d.Ready.Timeout == 0 {
		d.Ready.Timeout = readyTimeout
	}
	if d.Ready.Interval == 0 {
		d.Ready.Interval = probeInterval
	}
	if d.Stop.Signal == 0 {
		d.Stop.Signal = syscall.SIGTERM
	}
	if d.Stop.Budget == 0 {
		d.Stop.Budget = stopBudget
	}
	l, err := logs.New(logs.Options{Dir: o.LogDir, Name: d.Name})
	if err != nil {
		return nil, fmt.Errorf("cannot open the log of %s: %w", d.Name, err)
	}
	sockets, err := listen(d.Name, d.Sockets)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &service{Service: d, options: o, board: b, log: l, sockets: sockets, stopLimit: stopLimit}, nil
}

func (s *service) close() error { return errors.Join(s.sockets.close(), s.log.Close()) }

// attempt runs the service's program once: from its start to the moment when
// its process, and unless KeepChildren all of its cgroup, is gone.
func (s *service) attempt(ctx context.Context, r *report) error {
	oomKills := s.oomKills()
	p, err := s.launch()
	if err != nil {
		return fmt.Errorf("cannot start %s: %w", s.Command[0], err)
	}
	defer p.notify.Close()
	s.current.Store(p)
	r.process(p.PID())
	defer r.process(0)
	defer s.current.Store(nil)

	err = s.oversee(ctx, p, r)
	switch {
	case p.exited():
	case errors.As(err, new(hangError)):
		s.dump(p)
	default:
		s.terminate(p)
	}
	if !s.Stop.KeepChildren || s.board.isStopping() {
		s.killGroup()
	}
	s.kill(p)
	flush, cancel := context.WithTimeout(context.Background(), flushBudget)
	defer cancel()
	_ = s.log.Flush(flush) // what a grandchild still writes comes later

	if ctx.Err() != nil {
		return nil
	}
	if s.oomKills() > oomKills {
		err = fmt.Errorf("OOM-killed (%w)", err)
	}
	return s.failure(err)
}

// oversee returns when the process has exited, hangs, or is to be stopped;
// the error is nil in the last case only.
func (s *service) oversee(ctx context.Context, p *process, r *report) error {
	ctx, cancel := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer cancel()

	isReady, hangs := make(chan struct{}), make(chan error, 1)
	watchers.Go(func() {
		if s.awaitReady(ctx, p, r) == nil {
			close(isReady)
		}
	})
	tooLate := time.NewTimer(s.Ready.Timeout)
	defer tooLate.Stop()
	for {
		select {
		case <-p.Done():
			return errors.New(p.Exit().String())
		case <-ctx.Done():
			return nil
		case <-isReady:
			isReady = nil
			tooLate.Stop()
			r.ready()
			watchers.Go(func() { s.probe(ctx, r, hangs) })
		case <-tooLate.C:
			row, _ := s.board.row(s.Name)
			return hangError{fmt.Errorf("not ready after %s: %s", s.Ready.Timeout, row.Reason)}
		case err := <-hangs:
			return hangError{err}
		}
	}
}

// awaitReady returns nil once the service has said that it is ready, and its
// probe agrees.
func (s *service) awaitReady(ctx context.Context, p *process, r *report) error {
	if s.Ready.Notify {
		r.missing(errors.New("has not sent READY=1 yet"))
		select {
		case <-p.told:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if s.Ready.Probe == nil {
		return nil
	}
	return until(ctx, s.Ready.Probe, r.missing)
}

// probe asks a ready service now and then whether it still does its work, and
// sends an error to hangs when it has not several times in a row. An answer may
// take until the next question is due: where the CPU is short a service is slow,
// and to kill it and start it anew takes more CPU.
func (s *service) probe(ctx context.Context, r *report, hangs chan<- error) {
	if s.Ready.Probe == nil {
		return
	}
	tick := time.NewTicker(s.Ready.Interval)
	defer tick.Stop()
	for failures := 0; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		err := lookFor(ctx, max(s.Ready.Interval, oneLook), s.Ready.Probe)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			if failures > 0 {
				r.doubt(nil)
			}
			failures = 0
			continue
		}
		s.options.Log.Warn("probe failed", zap.String("service", s.Name), zap.Error(err))
		if failures++; failures == probesToHang {
			hangs <- fmt.Errorf("hangs: %d probes failed, the last with: %w", failures, err)
			return
		}
		r.doubt(fmt.Errorf("%d of %d probes failed: %w", failures, probesToHang, err))
	}
}

// terminate asks the process to end and waits for as long as its budget and
// the whole shutdown's allow.
func (s *service) terminate(p *process) {
	if err := p.Signal(s.Stop.Signal); err != nil {
		s.options.Log.Warn("cannot signal", zap.String("service", s.Name), zap.Error(err))
	}
	select {
	case <-p.Done():
	case <-time.After(s.Stop.Budget):
		s.options.Log.Warn("killed: did not stop in time", zap.String("service", s.Name), zap.Duration("budget", s.Stop.Budget))
	case <-s.stopLimit:
	}
}

// dump makes a program that hangs write its stack to its log, as Go programs
// do on SIGQUIT, before it is killed.
func (s *service) dump(p *process) {
	_ = p.Signal(syscall.SIGQUIT) // it is killed in any case
	select {
	case <-p.Done():
	case <-time.After(dumpBudget):
	}
}

// kill makes sure that the process itself is gone, where there is no cgroup to
// kill or its children are kept.
func (s *service) kill(p *process) {
	if p.exited() {
		return
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		s.options.Log.Error("cannot kill", zap.String("service", s.Name), zap.Int("pid", p.PID()), zap.Error(err))
	}
	<-p.Done()
}

// failure is what an attempt ends with: the reason, and the last lines of the
// log, which mostly have the reason for the reason.
func (s *service) failure(reason error) error {
	f := failure{error: reason}
	for _, line := range s.log.Tail(linesOfPanic) {
		f.lines = append(f.lines, line.Text)
	}
	f.lines = telling(f.lines)
	return f
}

// telling returns the lines of a log's end that say why a program failed: the
// last ones, but where a Go program panicked those around its last words, as
// hundreds of lines of stacks follow.
func telling(lines []string) []string {
	end := len(lines)
	for i, line := range slices.Backward(lines) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			end = min(i+linesOnFailure/2, len(lines))
			break
		}
	}
	return lines[max(0, end-linesOnFailure):end]
}

type failure struct {
	error
	lines []string
}

func (f failure) Unwrap() error { return f.error }

func lastLog(err error) []string {
	var f failure
	if errors.As(err, &f) {
		return f.lines
	}
	return nil
}

// hangError says that a process runs on but does not do its work.
type hangError struct{ error }
