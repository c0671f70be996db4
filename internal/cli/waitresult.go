package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/lyft/dockernetes/internal/bootlog"
	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// outcomeTimeout is the outcome that the client alone knows of.
const outcomeTimeout = "timeout"

const (
	blockerLines = 10          // of the log of a unit that blocks
	logTimeout   = time.Second // for asking for them
)

// waitResult is how waiting ended: what `wait -o json` prints.
type waitResult struct {
	For     string  `json:"for"`
	Outcome string  `json:"outcome"` // ready, timeout, hopeless, stopping
	Waited  float64 `json:"waitedSeconds"`
	// Seconds is the time from the start of PID 1 to the moment at which the
	// unit was first ready.
	Seconds  float64   `json:"seconds,omitempty"`
	Blocking []blocker `json:"blocking,omitempty"`

	timeout  time.Duration
	snapshot supervisor.Snapshot
}

// blocker is a unit that holds up what is waited for.
type blocker struct {
	Name    string           `json:"name"`
	Kind    supervisor.Kind  `json:"kind"`
	State   supervisor.State `json:"state"`
	Since   time.Time        `json:"since"`
	Seconds float64          `json:"seconds"` // since Since
	Reason  string           `json:"reason,omitempty"`
	Log     []string         `json:"log,omitempty"`
	LogOf   string           `json:"logOf,omitempty"` // the service whose log that is
}

func (r *waitResult) code() int {
	switch r.Outcome {
	case string(control.Reached):
		return 0
	case outcomeTimeout:
		return exitFailure
	}
	return exitImpossible
}

// fill adds what there is to say about the units.
func (r *waitResult) fill(ctx context.Context, client *control.Client) {
	snap := r.snapshot
	if u, _ := snap.Unit(r.For); r.Outcome == string(control.Reached) {
		r.Seconds = seconds(u.ReadyAt.Sub(snap.Started))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	blocking := snap.Blocking(r.For)
	if r.Outcome == string(control.Hopeless) {
		blocking = snap.Hopeless(r.For)
	}
	for _, u := range blocking {
		b := blocker{Name: u.Name, Kind: u.Kind, State: u.State, Since: u.Since,
			Seconds: seconds(snap.Time.Sub(u.Since)), Reason: u.Reason}
		b.LogOf, b.Log = logFor(ctx, client, snap, u)
		r.Blocking = append(r.Blocking, b)
	}
}

// logFor returns the last lines of the log that tells most about u: its own,
// or that of a service that it looks at.
func logFor(ctx context.Context, client *control.Client, snap supervisor.Snapshot, u supervisor.Status) (service string, lines []string) {
	if len(u.LastLog) > 0 {
		return u.Name, u.LastLog[max(0, len(u.LastLog)-blockerLines):]
	}
	if u.Kind != supervisor.KindService {
		for _, need := range u.Needs {
			if n, _ := snap.Unit(need); n.Kind == supervisor.KindService {
				u = n
			}
		}
		if u.Kind != supervisor.KindService {
			return "", nil
		}
	}
	// What can't be had is left out: the reason is the main thing.
	_ = client.Logs(ctx, control.LogQuery{Services: []string{u.Name}, Tail: blockerLines}, func(l control.LogLine) error {
		lines = append(lines, l.Text)
		return nil
	})
	if len(lines) == 0 {
		return "", nil
	}
	return u.Name, lines
}

// explain writes why waiting ended without success.
func (r *waitResult) explain(w io.Writer) {
	switch r.Outcome {
	case string(control.Reached):
		return
	case outcomeTimeout:
		fmt.Fprintf(w, "dnetinit: %s is not ready after %s\n", r.For, r.timeout)
	case string(control.Stopping):
		fmt.Fprintf(w, "dnetinit: %s can't become ready: PID 1 is stopping everything\n", r.For)
		return
	default:
		fmt.Fprintf(w, "dnetinit: %s can't become ready without help\n", r.For)
	}
	if len(r.snapshot.Units) == 0 {
		fmt.Fprintln(w, "PID 1 has not made its socket in all that time. See: docker logs NAME")
		return
	}
	for _, b := range r.Blocking {
		fmt.Fprintf(w, "%s %s is %s for %s", b.Kind, b.Name, b.State, bootlog.Seconds(time.Duration(b.Seconds*float64(time.Second))))
		if b.Reason != "" {
			fmt.Fprintf(w, ": %s", bootlog.Clean(b.Reason))
		}
		fmt.Fprintln(w)
		for _, line := range b.Log {
			fmt.Fprintf(w, "  %s | %s\n", b.LogOf, bootlog.Clean(line))
		}
	}
}
