package bootlog

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

const (
	goal     = "ready" // the milestone at which the boot is over
	slowest  = 4       // units that the summary names
	logLines = 10      // of a failed service's log
	// loudFailures is how many failures of one unit come with lines of its
	// log; a service that crashes every 30 s must not fill the log with them.
	loudFailures = 3
)

// Engine is what a Log follows: a running supervisor.
type Engine interface {
	Snapshot() supervisor.Snapshot
	Events(ctx context.Context, after uint64) <-chan supervisor.Event
}

// Log writes what happens to an engine's units, a line each.
type Log struct {
	Engine   Engine
	Out      io.Writer
	Versions map[string]string // "dnetinit" and "kubernetes" are named in the headline

	began    time.Time
	booted   bool
	stopping time.Time // when the stop began, zero before
	seen     map[string]bool
	failures map[string]int
}

// Run writes until the engine's events end, which they do after a final stop,
// or until ctx does. It may be called once.
func (l *Log) Run(ctx context.Context) error {
	l.began = l.Engine.Snapshot().Started
	l.seen, l.failures = map[string]bool{}, map[string]int{}
	fmt.Fprintf(l.Out, "%s boots %s\n", l.part("dnetinit"), l.part("kubernetes"))
	var last time.Time
	for e := range l.Engine.Events(ctx, 0) {
		if l.began.IsZero() { // the engine has begun to run meanwhile
			l.began = l.Engine.Snapshot().Started
		}
		l.event(e)
		last = e.Time
	}
	if !l.stopping.IsZero() && ctx.Err() == nil {
		what := "Everything is stopped"
		if left := l.notStopped(); len(left) > 0 {
			what = "All but " + strings.Join(left, ", ") + " is stopped"
		}
		fmt.Fprintf(l.Out, "%s after %s.\n", what, Seconds(last.Sub(l.stopping)))
	}
	return nil
}

// notStopped names the units that could not be stopped.
func (l *Log) notStopped() (names []string) {
	for _, u := range l.Engine.Snapshot().Units {
		if u.State == supervisor.Stopping || u.State == supervisor.Starting {
			names = append(names, u.Name)
		}
	}
	return names
}

func (l *Log) event(e supervisor.Event) {
	if l.stopping.IsZero() && (e.To == supervisor.Stopping || e.To == supervisor.Stopped) && l.Engine.Snapshot().Stopping {
		l.stopping = e.Time
		fmt.Fprintln(l.Out, "Stopping.")
	}
	if e.From == e.To {
		l.chaos(e)
		return
	}
	switch e.To {
	case supervisor.Ready:
		l.ready(e)
	case supervisor.Backoff, supervisor.Degraded, supervisor.Failed:
		l.failed(e)
	case supervisor.Stopped:
		// Phases and milestones have nothing to stop that one would look for.
		if e.Kind == supervisor.KindService || l.stopping.IsZero() {
			l.line(e, "- %s is stopped", e.Unit)
		}
	case supervisor.Starting, supervisor.Waiting:
		if e.From == supervisor.Ready && e.Kind == supervisor.KindMilestone && l.stopping.IsZero() {
			l.line(e, "✗ %s is not ready any more%s", e.Unit, because(e.Reason))
		}
	}
}

// chaos says that somebody harms a unit on purpose, or that this is over.
func (l *Log) chaos(e supervisor.Event) {
	if e.Status.Chaos == "" {
		l.line(e, "! %s: chaos is over", e.Unit)
		return
	}
	l.line(e, "! %s: chaos, as somebody wants it: %s", e.Unit, e.Status.Chaos)
}

func (l *Log) ready(e supervisor.Event) {
	if l.seen[e.Unit] {
		l.line(e, "✓ %s is ready again", e.Unit)
		return
	}
	l.seen[e.Unit] = true
	if took := e.Time.Sub(e.Status.Begun); e.Kind == supervisor.KindMilestone || e.Status.Begun.IsZero() {
		l.line(e, "✓ %s", e.Unit)
	} else {
		l.line(e, "✓ %s (%s)", e.Unit, Seconds(took))
	}
	if e.Unit == goal && !l.booted {
		l.booted = true
		l.summary(e)
	}
}

// summary says how long the boot took, and where the time went.
func (l *Log) summary(e supervisor.Event) {
	type unit struct {
		name string
		took time.Duration
	}
	var units []unit
	for _, u := range l.Engine.Snapshot().Units {
		if !u.ReadyAt.IsZero() && !u.Begun.IsZero() && u.Kind != supervisor.KindMilestone {
			units = append(units, unit{u.Name, u.ReadyAt.Sub(u.Begun)})
		}
	}
	slices.SortStableFunc(units, func(a, b unit) int { return cmp.Compare(b.took, a.took) })
	var names []string
	for _, u := range units[:min(slowest, len(units))] {
		names = append(names, u.name+" "+Seconds(u.took))
	}
	fmt.Fprintf(l.Out, "%s is ready after %s. What took longest: %s.\n",
		l.part("kubernetes"), Seconds(e.Time.Sub(l.began)), strings.Join(names, ", "))
}

func (l *Log) failed(e supervisor.Event) {
	l.failures[e.Unit]++
	what := "failed, and is tried again"
	switch e.To {
	case supervisor.Failed:
		what = "failed for good"
	case supervisor.Degraded:
		what = "fails again and again"
	}
	l.line(e, "✗ %s %s%s", e.Unit, what, because(e.Reason))
	if e.To == supervisor.Backoff && l.failures[e.Unit] > loudFailures {
		return
	}
	lines := e.Status.LastLog
	for _, text := range lines[max(0, len(lines)-logLines):] {
		fmt.Fprintf(l.Out, "             | %s\n", Clean(text))
	}
}

// part names one part of the image with its version, if that is known.
func (l *Log) part(name string) string {
	return strings.TrimSpace(strings.Replace(name, "kubernetes", "Kubernetes", 1) + " " + l.Versions[name])
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + Clean(reason)
}

// line writes one line that begins with the time since the start.
func (l *Log) line(e supervisor.Event, format string, args ...any) {
	fmt.Fprintf(l.Out, "%10s  %s\n", Seconds(e.Time.Sub(l.began)), fmt.Sprintf(format, args...))
}
