package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// buffer is an output that can be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await returns once the buffer holds text.
func (b *buffer) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(b.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there is no %q in %q", text, b.String())
		}
	}
}

// world returns an Env of its own, with its two outputs.
func world(t *testing.T) (e *Env, stdout, stderr *buffer) {
	t.Helper()
	dir, err := os.MkdirTemp("", "cli") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	stdout, stderr = &buffer{}, &buffer{}
	return &Env{
		Stdout: stdout, Stderr: stderr,
		Getenv:    func(string) string { return "" },
		Terminal:  func() int { return 0 },
		Socket:    filepath.Join(dir, "s"),
		ReadyFile: filepath.Join(dir, "ready"),
		IsInit:    func() bool { return true },
	}, stdout, stderr
}

// serve serves engine on the socket of e, until stop is called or the test ends.
func serve(t *testing.T, e *Env, engine control.Engine) (stop func()) {
	t.Helper()
	l, err := control.Listen(e.Socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- control.NewServer(engine, nil, zap.NewNop()).Serve(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// start runs a command line in the background.
func start(ctx context.Context, e *Env, args ...string) <-chan int {
	code := make(chan int, 1)
	go func() { code <- e.Main(ctx, append([]string{"dnetinit"}, args...)) }()
	return code
}

func TestWaitMayBeCalledBeforeThereIsASocket(t *testing.T) {
	e, stdout, stderr := world(t)
	code := start(context.Background(), e, "wait")
	engine := enginetest.New(t, enginetest.Boot()...)
	engine.AllReady("pki")
	serve(t, e, engine)
	stdout.await(t, "✓ pki")
	engine.AllReady("etcd", "kube-apiserver", "api", "ready")
	if got := <-code; got != 0 {
		t.Errorf("got status %d: %s", got, stderr)
	}
	if !strings.HasSuffix(stdout.String(), "\n✓ ready           0.5 s\n") {
		t.Errorf("got %s", stdout)
	}
}

func TestWaitGoesOnWhenTheConnectionBreaks(t *testing.T) {
	e, stdout, stderr := world(t)
	engine := enginetest.New(t, enginetest.Boot()...)
	engine.AllReady("pki")
	stop := serve(t, e, engine)
	code := start(context.Background(), e, "wait")
	stdout.await(t, "✓ pki")
	stop()
	engine.AllReady("etcd", "kube-apiserver", "api", "ready")
	serve(t, e, engine)
	if got := <-code; got != 0 {
		t.Errorf("got status %d: %s", got, stderr)
	}
}

func TestWaitEndsWhenItIsInterrupted(t *testing.T) {
	e, stdout, stderr := world(t)
	engine := enginetest.New(t, enginetest.Boot()...)
	engine.AllReady("pki")
	serve(t, e, engine)
	ctx, cancel := context.WithCancel(context.Background())
	code := start(ctx, e, "wait")
	stdout.await(t, "✓ pki")
	cancel()
	if got := <-code; got != exitInterrupted {
		t.Errorf("got status %d: %s", got, stderr)
	}
}

func TestStatusIsWatched(t *testing.T) {
	e, stdout, _ := world(t)
	engine := enginetest.New(t, enginetest.Boot()...)
	serve(t, e, engine)
	ctx, cancel := context.WithCancel(context.Background())
	code := start(ctx, e, "status", "--watch", "-o", "json")
	stdout.await(t, "\n")
	engine.To("pki", supervisor.Failed)
	stdout.await(t, `"state":"failed"`)
	cancel()
	if got := <-code; got != exitInterrupted {
		t.Errorf("got status %d", got)
	}
}

func TestNeededFollowsTheNeeds(t *testing.T) {
	e := enginetest.New(t, enginetest.Boot()...)
	for target, want := range map[string]string{
		"ready":  "pki etcd kube-apiserver api ready",
		"docker": "dockerd docker",
		"pki":    "pki",
		"nosuch": "",
	} {
		var names []string
		for _, u := range needed(e.Snapshot(), target) {
			names = append(names, u.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
}
