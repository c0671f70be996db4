package control

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/lyft/dockernetes/internal/logs"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// allLines asks for every line that is remembered.
const allLines = 1 << 20

// source is one service's log within a request.
type source struct {
	name  string
	log   *logs.Log
	lines <-chan logs.Line // when it is followed
}

// logs streams the last lines of one, several or all services in the order of
// time, and then, if they are to be followed, the new ones as they come.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	tail := allLines
	if v := q.Get("tail"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return errorf(http.StatusBadRequest, "tail=%q is no number of lines", v)
		}
		tail = min(n, allLines)
	}
	follow := q.Get("follow") == "true"
	sources, err := s.sources(q["service"])
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var past []LogLine
	for i := range sources {
		past = append(past, sources[i].open(ctx, tail, follow)...)
	}
	slices.SortStableFunc(past, func(a, b LogLine) int { return a.Time.Compare(b.Time) })
	out := newStream(w)
	for _, l := range past {
		if out.enc.Encode(l) != nil {
			return nil
		}
	}
	if out.rc.Flush() != nil || !follow {
		return nil
	}

	lines, wait := merge(ctx, sources)
	defer wait()
	defer cancel()
	for l := range lines {
		if out.send(l) != nil {
			return nil
		}
	}
	return nil
}

// sources finds the logs of the services; no names mean all.
func (s *Server) sources(services []string) ([]source, error) {
	snap := s.engine.Snapshot()
	if len(services) == 0 {
		services = names(snap, supervisor.KindService)
	}
	var list []source
	for _, name := range services {
		if _, err := serviceNamed(snap, name); err != nil {
			return nil, err
		}
		l, err := s.engine.Log(name)
		if err != nil {
			return nil, err
		}
		list = append(list, source{name: name, log: l})
	}
	return list, nil
}

// open returns the last n lines and, if they are to be followed, leaves the
// ones after them, without a gap, in s.lines.
func (s *source) open(ctx context.Context, n int, follow bool) []LogLine {
	past := s.log.Tail(n)
	if follow {
		n = len(past)
		s.lines = s.log.Follow(ctx, n)
		past = buffered(s.lines, n)
	}
	lines := make([]LogLine, len(past))
	for i, l := range past {
		lines[i] = s.line(l)
	}
	return lines
}

// buffered takes at most n lines from ch, and no more than are there already.
func buffered(ch <-chan logs.Line, n int) []logs.Line {
	lines := make([]logs.Line, 0, n)
	for len(lines) < n {
		select {
		case l, more := <-ch:
			if !more {
				return lines
			}
			lines = append(lines, l)
		default:
			return lines
		}
	}
	return lines
}

func (s *source) line(l logs.Line) LogLine {
	return LogLine{Service: s.name, Time: l.Time, Text: l.Text, Skipped: l.Skipped}
}

// merge brings the lines of all sources into one channel, which is closed when
// all have ended. wait returns when nothing reads from the sources any more,
// which takes an end of ctx.
func merge(ctx context.Context, sources []source) (lines <-chan LogLine, wait func()) {
	out := make(chan LogLine)
	var readers, closer sync.WaitGroup
	for _, src := range sources {
		readers.Go(func() {
			for l := range src.lines {
				select {
				case out <- src.line(l):
				case <-ctx.Done():
					// go on reading, as the log closes its channel soon
				}
			}
		})
	}
	closer.Go(func() {
		readers.Wait()
		close(out)
	})
	return out, closer.Wait
}
