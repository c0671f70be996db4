// Package enginetest has an engine for tests: units that are nothing but data,
// whose states a test sets itself. It is not for use outside of tests.
package enginetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/lyft/dockernetes/internal/logs"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Start is when every Engine began to run, unless a test says otherwise.
var Start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Engine holds units and changes them when it is told to.
type Engine struct {
	mu      sync.Mutex
	snap    supervisor.Snapshot
	history []supervisor.Event
	changed chan struct{}
	closed  bool
	calls   []string
	refusal error
	dir     string
	logs    map[string]*logs.Log
}

// New returns an engine that runs the units, as they are.
func New(t testing.TB, units ...supervisor.Status) *Engine {
	e := &Engine{
		snap:    supervisor.Snapshot{Time: Start, Started: Start, Units: units},
		changed: make(chan struct{}),
		dir:     t.TempDir(),
		logs:    map[string]*logs.Log{},
	}
	t.Cleanup(func() {
		for _, l := range e.logs {
			l.Close()
		}
	})
	return e
}

// Boot is a small boot, all waiting: pki, etcd, kube-apiserver, api and ready,
// each of which needs the one before, and dockerd and docker beside it.
func Boot() []supervisor.Status {
	u := func(kind supervisor.Kind, name string, needs ...string) supervisor.Status {
		return supervisor.Status{Name: name, Kind: kind, Summary: "the " + name, Needs: needs,
			State: supervisor.Waiting, Since: Start, WaitsFor: needs}
	}
	return []supervisor.Status{
		u(supervisor.KindPhase, "pki"),
		u(supervisor.KindService, "etcd", "pki"),
		u(supervisor.KindService, "kube-apiserver", "etcd"),
		u(supervisor.KindService, "dockerd"),
		u(supervisor.KindMilestone, "api", "kube-apiserver"),
		u(supervisor.KindMilestone, "docker", "dockerd"),
		u(supervisor.KindMilestone, "ready", "api"),
	}
}

// AllReady sets the units, or all of them if none are named, ready: one after
// the other, 100 ms apart.
func (e *Engine) AllReady(names ...string) {
	snap := e.Snapshot()
	if len(names) == 0 {
		for _, u := range snap.Units {
			names = append(names, u.Name)
		}
	}
	at := snap.Time
	for _, name := range names {
		begun := at
		at = at.Add(100 * time.Millisecond)
		e.At(at)
		e.Change(name, func(u *supervisor.Status) {
			u.State, u.Reason, u.WaitsFor = supervisor.Ready, "", nil
			u.Begun, u.ReadyAt = begun, at
		})
	}
}

// At sets the time of the snapshots and of the events to come.
func (e *Engine) At(t time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.snap.Time = t
}

// Change changes a unit. If its state becomes another, that is an event.
func (e *Engine) Change(name string, change func(*supervisor.Status)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.snap.Units {
		u := &e.snap.Units[i]
		if u.Name != name {
			continue
		}
		from, chaos := u.State, u.Chaos
		change(u)
		if u.State != from || u.Chaos != chaos {
			if u.State != from {
				u.Since = e.snap.Time
			}
			e.history = append(e.history, supervisor.Event{
				Seq: uint64(len(e.history) + 1), Time: e.snap.Time, Unit: name, Kind: u.Kind,
				From: from, To: u.State, Reason: u.Reason, Status: *u,
			})
		}
		e.tell()
		return
	}
	panic("there is no unit " + name)
}

// To moves a unit to a state.
func (e *Engine) To(name string, s supervisor.State) {
	e.Change(name, func(u *supervisor.Status) { u.State = s })
}

// Halt begins to stop everything; each unit gets an event if it was ready.
func (e *Engine) Halt() {
	e.mu.Lock()
	e.snap.Stopping = true
	var ready []string
	for _, u := range e.snap.Units {
		if u.State == supervisor.Ready {
			ready = append(ready, u.Name)
		}
	}
	e.tell()
	e.mu.Unlock()
	for _, name := range ready {
		e.To(name, supervisor.Stopping)
		e.To(name, supervisor.Stopped)
	}
}

// End closes all streams of events, as the end of a final stop does.
func (e *Engine) End() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.tell()
}

func (e *Engine) tell() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// Refuse makes Start, Stop and Restart return err.
func (e *Engine) Refuse(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refusal = err
}

// Calls returns what was asked for: "start etcd", "stop etcd".
func (e *Engine) Calls() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.calls...)
}

func (e *Engine) call(verb, service string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, verb+" "+service)
	return e.refusal
}

// Start notes the wish.
func (e *Engine) Start(_ context.Context, service string) error { return e.call("start", service) }

// Stop notes the wish.
func (e *Engine) Stop(_ context.Context, service string) error { return e.call("stop", service) }

// Restart notes the wish.
func (e *Engine) Restart(_ context.Context, service string) error { return e.call("restart", service) }

// Chaos notes the wish, and shows the harm until ctx ends; once is no time.
func (e *Engine) Chaos(ctx context.Context, service string, c supervisor.Chaos, length time.Duration) error {
	if err := e.call("chaos "+string(c)+" "+length.String(), service); err != nil || length == 0 {
		return err
	}
	e.Change(service, func(u *supervisor.Status) { u.Chaos = string(c) })
	<-ctx.Done()
	e.Change(service, func(u *supervisor.Status) { u.Chaos = "" })
	return nil
}

// Snapshot returns the units as they are.
func (e *Engine) Snapshot() supervisor.Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	snap := e.snap
	snap.Units = append([]supervisor.Status(nil), e.snap.Units...)
	return snap
}

// Events streams the events, old and new.
func (e *Engine) Events(ctx context.Context, after uint64) <-chan supervisor.Event {
	out := make(chan supervisor.Event)
	go func() {
		defer close(out)
		for {
			e.mu.Lock()
			changed, closed := e.changed, e.closed
			events := e.history[min(after, uint64(len(e.history))):]
			e.mu.Unlock()
			for _, event := range events {
				select {
				case out <- event:
					after = event.Seq
				case <-ctx.Done():
					return
				}
			}
			if closed {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// Log returns the log of a service, which is made when it is first asked for.
func (e *Engine) Log(service string) (*logs.Log, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l, ok := e.logs[service]; ok {
		return l, nil
	}
	l, err := logs.New(logs.Options{Dir: e.dir, Name: service})
	if err == nil {
		e.logs[service] = l
	}
	return l, err
}

// Write writes lines to the log of a service, as its process would, and
// returns when they are in it.
func (e *Engine) Write(t testing.TB, service string, lines ...string) {
	t.Helper()
	l, err := e.Log(service)
	if err != nil {
		t.Fatal(err)
	}
	w, err := l.Writer()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
	w.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := l.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}
