package faults

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lyft/dockernetes/internal/readiness"
	"github.com/lyft/dockernetes/pkg/supervisor"
	"github.com/lyft/dockernetes/test/rig"
)

// sample is one look at the readiness file.
type sample struct {
	began, ended time.Time
	there        bool
}

func TestTheReadinessFileAndTheSocketAgreeUnderAKillLoop(t *testing.T) {
	const kills = 40
	m := start(t, "cluster")
	m.await(t, "ready", supervisor.Ready)
	path := filepath.Join(m.dir, "ready")

	done := make(chan struct{})
	var samples []sample
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			s := sample{began: time.Now()}
			r, err := readiness.Read(path)
			s.ended = time.Now()
			s.there = err == nil
			if err != nil && !errors.Is(err, os.ErrNotExist) || err == nil && r.Seconds == 0 {
				t.Errorf("a torn read: %+v, %v", r, err)
			}
			samples = append(samples, s)
		}
	})
	for range kills {
		m.kill(t, m.unit(t, "apiserver").PID, syscall.SIGKILL)
		m.await(t, "ready", supervisor.Waiting)
		until(t, "the readiness file is gone", func() bool { return !exists(t, m.dir, "ready") })
		if err := m.Start(t.Context(), "apiserver"); err != nil {
			t.Fatal(err)
		}
		m.await(t, "ready", supervisor.Ready)
	}
	until(t, "the readiness file is there at the end", func() bool { return exists(t, m.dir, "ready") })
	close(done)
	reader.Wait()

	m.mu.Lock()
	changes := slices.DeleteFunc(slices.Clone(m.events), func(e supervisor.Event) bool {
		return e.Unit != "ready" || e.From != supervisor.Ready && e.To != supervisor.Ready
	})
	m.mu.Unlock()
	var lag time.Duration
	seen := 0
	for _, s := range samples {
		// The last change before the look began says what it should have seen.
		i, _ := slices.BinarySearchFunc(changes, s.began, func(e supervisor.Event, at time.Time) int { return e.Time.Compare(at) })
		if i == 0 {
			continue
		}
		last := changes[i-1]
		if (last.To == supervisor.Ready) == s.there {
			seen++
			continue
		}
		if i < len(changes) && changes[i].Time.Before(s.ended) {
			continue // it changed again while it was looked at
		}
		lag = max(lag, s.began.Sub(last.Time))
	}
	t.Logf("%d looks, %d in agreement; the file followed after %s at most", len(samples), seen, lag.Round(time.Microsecond))
	if lag > rig.Patience(250*time.Millisecond) {
		t.Errorf("the file followed the milestone after %s", lag)
	}
	if seen < kills {
		t.Errorf("only %d of %d looks say anything", seen, len(samples))
	}
	m.stop(t)
}
