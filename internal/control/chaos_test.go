package control

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestChaosLastsAsLongAsItsClient(t *testing.T) {
	e := boot(t)
	c := connect(t, e)
	ctx, goAway := context.WithCancel(soon(t))
	done := make(chan error)
	go func() { done <- c.Chaos(ctx, "etcd", supervisor.ChaosFreeze, time.Minute) }()
	harmed := func() bool {
		u, _ := e.Snapshot().Unit("etcd")
		return u.Chaos != ""
	}
	await := func(want bool) {
		t.Helper()
		tooLate := time.After(20 * time.Second)
		again := time.NewTicker(time.Millisecond)
		defer again.Stop()
		for harmed() != want {
			select {
			case <-again.C:
			case <-tooLate:
				t.Fatalf("etcd is harmed: %v", !want)
			}
		}
	}
	await(true)
	goAway()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	await(false)
	if calls := e.Calls(); !slices.Equal(calls, []string{"chaos freeze 1m0s etcd"}) {
		t.Errorf("the engine was told %q", calls)
	}
}

func TestChaosThatMakesNoSenseIsRefused(t *testing.T) {
	tests := []struct {
		name, path string
		code       int
		want       string
	}{
		{"of a kind that there is not", "/v1/services/etcd/chaos?do=shout", 400, `"kill","freeze","slow","oom"`},
		{"of no kind", "/v1/services/etcd/chaos", 400, `no chaos called`},
		{"for a length that is none", "/v1/services/etcd/chaos?do=kill&for=long", 400, `no length of time`},
		{"to a milestone", "/v1/services/ready/chaos?do=kill", 404, "ready is a milestone"},
		{"to nobody", "/v1/services/etcdd/chaos?do=kill", 404, "no service"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ask(t, serve(t, boot(t)), "POST "+tt.path+" HTTP/1.0\r\n\r\n"); !strings.Contains(got, http.StatusText(tt.code)) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestChaosIsRefusedUnlessItIsSwitchedOn(t *testing.T) {
	e := boot(t)
	w := &recorder{header: http.Header{}}
	req, _ := http.NewRequest("POST", "/v1/services/etcd/chaos?do=kill", nil)
	NewServer(e, nil, zap.NewNop()).routes().ServeHTTP(w, req)
	if !strings.Contains(w.String(), `"code":403`) || !strings.Contains(w.String(), "DNET_CHAOS=1") {
		t.Errorf("got %s", w.String())
	}
	if calls := e.Calls(); len(calls) != 0 {
		t.Errorf("the engine was told %q", calls)
	}
}
