package readiness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told collects what is sent to the NOTIFY_SOCKET.
type told struct {
	mu     sync.Mutex
	states []string
}

func (n *told) send(socket string, states ...string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.states = append(n.states, socket+": "+strings.Join(states, ", "))
	return nil
}

// story runs a File over an engine, with do in between; after settle, all that
// do changed has been seen.
func story(t *testing.T, path string, do func(e *enginetest.Engine, settle, stop func())) (notified []string) {
	t.Helper()
	e := enginetest.New(t, enginetest.Boot()...)
	synctest.Test(t, func(t *testing.T) {
		// Channels made outside would not count as waiting in here.
		e.At(enginetest.Start)
		e.To("pki", supervisor.Starting)
		var n told
		ctx, cancel := context.WithCancel(t.Context())
		f := File{Path: path, Engine: e, Versions: map[string]string{"kubernetes": "v1.37.2"}, Log: zap.NewNop(),
			NotifySocket: "/run/podman/notify", Notify: n.send}
		done := make(chan error)
		go func() { done <- f.Run(ctx) }()
		synctest.Wait()
		do(e, synctest.Wait, cancel)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		notified = n.states
	})
	return notified
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

func TestTheFileIsThereExactlyWhileTheClusterIsReady(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "ready")
	notified := story(t, path, func(e *enginetest.Engine, settle, stop func()) {
		steps := []struct {
			name string
			do   func()
			want bool
		}{
			{"at the start", func() {}, false},
			{"when most is ready", func() { e.AllReady("pki", "etcd", "kube-apiserver", "api") }, false},
			{"when all is ready", func() { e.AllReady("ready") }, true},
			{"when something else fails", func() { e.To("dockerd", supervisor.Backoff) }, true},
			{"when the cluster is not ready any more", func() { e.To("ready", supervisor.Waiting) }, false},
			{"when it is again", func() { e.To("ready", supervisor.Ready) }, true},
			{"when it is told to stop", stop, false},
		}
		for _, s := range steps {
			s.do()
			settle()
			if got := exists(t, path); got != s.want {
				t.Errorf("%s: the file is there: %v", s.name, got)
			}
		}
	})
	want := []string{"/run/podman/notify: READY=1, STATUS=Kubernetes is ready", "/run/podman/notify: STOPPING=1"}
	if diff := cmp.Diff(want, notified); diff != "" {
		t.Error(diff)
	}
}

func TestTheFileGoesWithTheFirstStepOfAStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready")
	story(t, path, func(e *enginetest.Engine, settle, _ func()) {
		e.AllReady()
		settle()
		if !exists(t, path) {
			t.Error("there is no file")
		}
		e.Halt()
		settle()
		if exists(t, path) {
			t.Error("the file is still there")
		}
	})
}

func TestTheLeavingsOfAKilledPredecessorAreRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready")
	if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	story(t, path, func(*enginetest.Engine, func(), func()) {
		if exists(t, path) {
			t.Error("the file is still there")
		}
	})
}

func TestTheReportHasTheTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready")
	story(t, path, func(e *enginetest.Engine, settle, _ func()) {
		e.AllReady("pki", "etcd", "kube-apiserver", "api", "ready")
		settle()
		got, err := Read(path)
		if err != nil {
			t.Error(err)
		}
		want := Report{
			Versions:   map[string]string{"kubernetes": "v1.37.2"},
			Started:    enginetest.Start,
			Ready:      enginetest.Start.Add(500 * time.Millisecond),
			Seconds:    0.5,
			Milestones: map[string]float64{"api": 0.4, "ready": 0.5},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAFileIsNeverReadHalfWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready")
	e := enginetest.New(t, enginetest.Boot()...)
	e.AllReady()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			if err := errors.Join(write(path, report(e.Snapshot(), nil)), Remove(path)); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		select {
		case <-done:
			return
		default:
		}
		if r, err := Read(path); !errors.Is(err, os.ErrNotExist) && (err != nil || r.Seconds == 0) {
			t.Fatalf("got %+v, %v", r, err)
		}
	}
}

func TestADiskThatIsFullIsLoggedAndTriedAgain(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "blocked")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil { // a file where a directory should be
		t.Fatal(err)
	}
	path := filepath.Join(blocked, "ready")
	core, seen := observer.New(zap.ErrorLevel)
	e := enginetest.New(t, enginetest.Boot()...)
	e.AllReady()
	f := File{Path: path, Engine: e, Log: zap.New(core)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	e.To("ready", supervisor.Waiting)
	e.To("ready", supervisor.Ready)
	e.End()
	if err := <-done; err != nil {
		t.Error(err)
	}
	cancel()
	if !slices.ContainsFunc(seen.All(), func(l observer.LoggedEntry) bool {
		return strings.Contains(l.Message, "ready, but cannot say so")
	}) {
		t.Errorf("got %v", seen.All())
	}
}

func TestReadNamesTheFileThatIsNoReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready")
	if err := os.WriteFile(path, []byte("yes"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}
