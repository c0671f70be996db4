package control

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/bootreport"
	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The real supervisor is what the server is for.
var _ Engine = (*supervisor.Supervisor)(nil)

// serve starts a server for e and returns its socket; it ends with the test.
func serve(t testing.TB, e Engine) (socket string) {
	t.Helper()
	// A socket's path has at most 107 bytes; that of t.TempDir may be longer.
	dir, err := os.MkdirTemp("", "control")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	server := NewServer(e, Versions{"dnetinit": "v1", "kubernetes": "v1.37.2"}, zap.NewNop())
	server.Chaos = true
	server.Record = func() bootreport.Record { return recorded }
	go func() { done <- server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return socket
}

func connect(t testing.TB, e Engine) *Client {
	c := NewClient(serve(t, e))
	t.Cleanup(c.Close)
	return c
}

func boot(t testing.TB) *enginetest.Engine { return enginetest.New(t, enginetest.Boot()...) }

// raw is an HTTP client for requests that Client does not make.
func raw(t testing.TB, socket string) *http.Client {
	c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// soon returns a context that ends a test that hangs.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
