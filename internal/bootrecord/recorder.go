package bootrecord

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/bootreport"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

const (
	interval = 50 * time.Millisecond // between two samples, at first
	// maxSamples bounds the record of a boot that takes very long: then every
	// other sample is dropped, and they are taken half as often.
	maxSamples = 1200
	// settle is how long the record goes on after the boot for what comes
	// later by intent, such as dockerd.
	settle = 10 * time.Second
)

// Engine is what a Recorder follows: a running supervisor.
type Engine interface {
	Snapshot() supervisor.Snapshot
	Events(ctx context.Context, after uint64) <-chan supervisor.Event
}

// Recorder makes the record of one boot.
type Recorder struct {
	Engine   Engine
	Zero     time.Time // PID 1's first instruction, with a monotonic clock
	Forked   time.Time // when the process was made; zero if unknown
	Versions map[string]string
	Store    Store // where the record is kept; one without a Dir keeps nothing
	Log      *zap.Logger
	// Sample reads the counters of CPU time; At is set by the Recorder.
	Sample func(services []string) bootreport.Sample

	once   sync.Once // begin
	mu     sync.Mutex
	record bootreport.Record
	waits  map[string][]string // what units that are put off wait for, beside their needs
	begun  []string            // the services that have
	ready  map[string]bool     // the units that were
	done   bool                // nothing is added any more
}

// Run records until every unit is ready, or 10 s after the cluster is, or until
// ctx or the engine's events end. What there is then, and what there was when
// the cluster became ready, is written to the Store.
func (r *Recorder) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.once.Do(r.begin)
	r.sample()
	defer r.end()
	step := interval
	tick := time.NewTicker(step)
	defer tick.Stop()
	var settled <-chan time.Time
	units := len(r.Engine.Snapshot().Units)
	events := r.Engine.Events(ctx, 0)
	for {
		select {
		case e, open := <-events:
			if !open {
				return
			}
			r.add(e)
			if e.Unit == bootreport.Goal && e.To == supervisor.Ready && settled == nil {
				settled = time.After(settle)
				r.sample()
				r.write()
			}
			if settled != nil && len(r.ready) == units {
				return
			}
		case <-tick.C:
			if r.sample() >= maxSamples {
				r.thin()
				step *= 2
				tick.Reset(step)
			}
		case <-settled:
			return
		}
	}
}

// Record is what is recorded by now. It must not be changed.
func (r *Recorder) Record() bootreport.Record {
	r.once.Do(r.begin)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.done {
		r.look()
	}
	copied := r.record
	copied.Events = slices.Clip(copied.Events)
	copied.Samples = slices.Clone(copied.Samples)
	return copied
}

func (r *Recorder) begin() {
	r.record = bootreport.Record{Zero: r.Zero, CPUs: runtime.NumCPU(), Versions: maps.Clone(r.Versions)}
	if !r.Forked.IsZero() {
		r.record.Forked = r.offset(r.Forked)
	}
	r.waits, r.ready = map[string][]string{}, map[string]bool{}
}

func (r *Recorder) end() {
	r.sample()
	r.mu.Lock()
	r.look()
	r.done = true
	r.mu.Unlock()
	r.write()
}

// add takes an event.
func (r *Recorder) add(e supervisor.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record.Events = append(r.record.Events, bootreport.Event{At: r.offset(e.Time), Unit: e.Unit, From: e.From, To: e.To, Reason: e.Reason})
	if e.To == supervisor.Ready {
		r.ready[e.Unit] = true
	}
	if e.Kind != supervisor.KindService || e.To != supervisor.Starting || slices.Contains(r.begun, e.Unit) {
		return
	}
	r.begun = append(r.begun, e.Unit)
	if len(r.begun) > 1 {
		return
	}
	// When the first service starts, every unit has said what it waits for. A
	// service that is put off waits for a unit that is none of its needs.
	for _, u := range r.Engine.Snapshot().Units {
		if u.State == supervisor.Waiting {
			r.waits[u.Name] = u.WaitsFor
		}
	}
}

// look brings the units up to date.
func (r *Recorder) look() {
	snap := r.Engine.Snapshot()
	r.record.Until = r.offset(time.Now())
	units := make([]bootreport.Unit, len(snap.Units))
	for i, u := range snap.Units {
		needs := slices.Clone(u.Needs)
		for _, name := range r.waits[u.Name] {
			if !slices.Contains(needs, name) {
				needs = append(needs, name)
			}
		}
		units[i] = bootreport.Unit{Name: u.Name, Kind: u.Kind, Summary: u.Summary, Needs: needs,
			Begun: r.offset(u.Begun), Ready: r.offset(u.ReadyAt)}
	}
	r.record.Units = units
}

// sample takes a sample and returns how many there are.
func (r *Recorder) sample() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.Sample(r.begun)
	s.At = r.offset(time.Now())
	r.record.Samples = append(r.record.Samples, s)
	return len(r.record.Samples)
}

// thin drops every other sample but the first.
func (r *Recorder) thin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.record.Samples[:0]
	for i, s := range r.record.Samples {
		if i%2 == 0 {
			kept = append(kept, s)
		}
	}
	r.record.Samples = kept
}

// write keeps the record. That it can't is no reason to end.
func (r *Recorder) write() {
	if err := r.Store.Keep(r.Record()); err != nil {
		r.Log.Warn("the record of this boot is not kept", zap.Error(err))
	}
}

// offset is 0 for the zero time.
func (r *Recorder) offset(t time.Time) bootreport.Offset {
	if t.IsZero() {
		return 0
	}
	return bootreport.Offset(t.Sub(r.Zero))
}
