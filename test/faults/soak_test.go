package faults

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// The short form's rounds. Rings go on filling for a while, within bounds.
const (
	warmUp = 40
	rounds = 60
)

func TestRestartsWithoutEndCostNothing(t *testing.T) {
	var until time.Time
	if v := os.Getenv("DOCKERNETES_SOAK"); v != "" { // make soak
		length, err := time.ParseDuration(v)
		if err != nil {
			t.Fatal(err)
		}
		until = time.Now().Add(length)
	}
	groups := makeCgroups(t)
	m := start(t, "cluster", groups.setting())
	m.await(t, "ready", supervisor.Ready)
	for range warmUp {
		round(t, m)
	}
	before := measure(t, m)
	n := 0
	for ; n < rounds || time.Now().Before(until); n++ {
		round(t, m)
	}
	after := measure(t, m)
	t.Logf("before: %v", before)
	t.Logf("after %d rounds: %v", n, after)
	for name, most := range map[string]float64{
		"process_open_fds": 4, "go_goroutines": 6, "process_resident_memory_bytes": 24 << 20,
	} {
		if _, there := before[name]; !there {
			t.Errorf("there is no metric %s", name)
		}
		if more := after[name] - before[name]; more > most {
			t.Errorf("%s grew from %.0f to %.0f in %d rounds", name, before[name], after[name], n)
		}
	}
	if n := len(m.processes()); n != 4 {
		t.Errorf("there are %d processes, want PID 1 and three services", n)
	}
	m.stop(t)
}

// round has a service killed, one restarted, and asks for what clients ask for.
func round(t *testing.T, m *machine) {
	t.Helper()
	m.kill(t, m.unit(t, "etcd").PID, syscall.SIGKILL)
	m.await(t, "etcd", supervisor.Backoff)
	if err := m.Start(t.Context(), "etcd"); err != nil {
		t.Fatal(err)
	}
	if err := m.Restart(t.Context(), "beside"); err != nil {
		t.Fatal(err)
	}
	if err := m.Logs(t.Context(), control.LogQuery{Tail: 3}, func(control.LogLine) error { return nil }); err != nil {
		t.Fatal(err)
	}
	ctx, goAway := context.WithCancel(t.Context())
	_ = m.Wait(ctx, "ready", func(control.Progress) error { goAway(); return nil }) // a client that vanishes
	goAway()
}

// measure returns what PID 1 says of itself.
func measure(t *testing.T, m *machine) map[string]float64 {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(m.dir, "s"))
	}, DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport, Timeout: patience}).Get("http://dnetinit/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "process_open_fds", "go_goroutines", "process_resident_memory_bytes":
			if values[name], err = strconv.ParseFloat(value, 64); err != nil {
				t.Fatal(fmt.Errorf("%s: %w", name, err))
			}
		}
	}
	return values
}
