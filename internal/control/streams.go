package control

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

const (
	// pulse is the time between two lines of progress when no unit changes:
	// reasons, CPU and memory move without an event.
	pulse = time.Second
	// hopelessFor is how long a hopeless state must last to be believed: a
	// service that is being restarted is stopped for a moment, too.
	hopelessFor = 500 * time.Millisecond
)

// stream writes JSON documents, one a line, each at once.
type stream struct {
	enc *json.Encoder
	rc  *http.ResponseController
}

func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	return &stream{enc: json.NewEncoder(w), rc: http.NewResponseController(w)}
}

func (s *stream) send(v any) error {
	if err := s.enc.Encode(v); err != nil {
		return err
	}
	return s.rc.Flush()
}

// wait streams the progress towards one unit until it is ready, until it can't
// become so, or until the client is gone.
func (s *Server) wait(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("for")
	if name == "" {
		name = readyMilestone
	}
	snap := s.engine.Snapshot()
	if _, known := snap.Unit(name); !known {
		e := errorf(http.StatusNotFound, "nothing is called %q here", name)
		e.Known = names(snap, supervisor.KindMilestone, supervisor.KindService, supervisor.KindPhase)
		return e
	}
	out := newStream(w)
	tick := time.NewTimer(pulse)
	defer tick.Stop()
	var hopeless time.Time // since when
	for {
		changed := s.changes.after() // before the snapshot, so that no change is missed
		snap := s.engine.Snapshot()
		p := Progress{For: name, Outcome: outcome(snap, name), Snapshot: snap}
		next := pulse
		if p.Outcome != Hopeless {
			hopeless = time.Time{}
		} else {
			if hopeless.IsZero() {
				hopeless = time.Now()
			}
			if next = hopelessFor - time.Since(hopeless); next > 0 {
				p.Outcome = ""
			}
		}
		if err := out.send(p); err != nil || p.Outcome != "" {
			return nil
		}
		tick.Reset(next)
		select {
		case <-changed:
		case <-tick.C:
		case <-r.Context().Done():
			return nil
		}
	}
}

// outcome says how waiting for name ends at this moment, or "".
func outcome(snap supervisor.Snapshot, name string) Outcome {
	u, _ := snap.Unit(name)
	switch {
	case snap.Stopping:
		return Stopping
	case u.State == supervisor.Ready:
		return Reached
	case len(snap.Hopeless(name)) > 0:
		return Hopeless
	}
	return ""
}

func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	var after uint64
	if v := r.URL.Query().Get("after"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			return errorf(http.StatusBadRequest, "after=%q is no number of an event", v)
		}
		after = n
	}
	out := newStream(w)
	if err := out.rc.Flush(); err != nil { // the client knows at once that it is heard
		return nil
	}
	for e := range s.engine.Events(r.Context(), after) {
		if out.send(e) != nil {
			return nil
		}
	}
	return nil
}
