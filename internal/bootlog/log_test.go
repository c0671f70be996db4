package bootlog

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// after returns what is written of an engine to which do was done.
func after(t *testing.T, do func(*enginetest.Engine)) string {
	t.Helper()
	e := enginetest.New(t, enginetest.Boot()...)
	do(e)
	e.End()
	var b strings.Builder
	l := Log{Engine: e, Out: &b, Versions: map[string]string{"dnetinit": "v1.0.0", "kubernetes": "v1.37.2"}}
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func fail(e *enginetest.Engine, name string, s supervisor.State, reason string, lines ...string) {
	e.Change(name, func(u *supervisor.Status) { u.State, u.Reason, u.LastLog = s, reason, lines })
}

func at(e *enginetest.Engine, d time.Duration) { e.At(enginetest.Start.Add(d)) }

func TestTheStory(t *testing.T) {
	tests := []struct {
		name string
		do   func(*enginetest.Engine)
		want string
	}{
		{"of a boot ends with a summary", func(e *enginetest.Engine) {
			e.AllReady("pki", "etcd", "kube-apiserver", "api", "ready")
		}, `
    0.1 s  ✓ pki (0.1 s)
    0.2 s  ✓ etcd (0.1 s)
    0.3 s  ✓ kube-apiserver (0.1 s)
    0.4 s  ✓ api
    0.5 s  ✓ ready
Kubernetes v1.37.2 is ready after 0.5 s. What took longest: pki 0.1 s, etcd 0.1 s, kube-apiserver 0.1 s.
`},
		{"of a failure has the reason and the last lines", func(e *enginetest.Engine) {
			e.AllReady("pki")
			at(e, 2*time.Second)
			fail(e, "etcd", supervisor.Backoff, "exit status 1", "starting", "\x1b[31mcannot\x1b[0m bind :2379\x07")
			at(e, 3*time.Second)
			e.AllReady("etcd")
		}, `
    0.1 s  ✓ pki (0.1 s)
    2.0 s  ✗ etcd failed, and is tried again: exit status 1
             | starting
             | cannot bind :2379
    3.1 s  ✓ etcd (0.1 s)
`},
		{"of a service that crashes on and on has less and less to say", func(e *enginetest.Engine) {
			for range 4 {
				fail(e, "etcd", supervisor.Backoff, "killed by SIGSEGV", "last words")
				e.To("etcd", supervisor.Starting)
			}
			fail(e, "etcd", supervisor.Degraded, "killed by SIGSEGV", "last words")
		}, `
    0.00 s  ✗ etcd failed, and is tried again: killed by SIGSEGV
             | last words
    0.00 s  ✗ etcd failed, and is tried again: killed by SIGSEGV
             | last words
    0.00 s  ✗ etcd failed, and is tried again: killed by SIGSEGV
             | last words
    0.00 s  ✗ etcd failed, and is tried again: killed by SIGSEGV
    0.00 s  ✗ etcd fails again and again: killed by SIGSEGV
             | last words
`},
		{"of a phase that failed for good says so", func(e *enginetest.Engine) {
			fail(e, "pki", supervisor.Failed, "cannot write /etc/kubernetes/pki/ca.key: no space left on device")
		}, `
    0.00 s  ✗ pki failed for good: cannot write /etc/kubernetes/pki/ca.key: no space left on device
`},
		{"goes on after the boot", func(e *enginetest.Engine) {
			e.AllReady("api")
			at(e, 90*time.Minute)
			fail(e, "api", supervisor.Starting, "connection refused")
			at(e, 90*time.Minute+time.Second)
			e.To("api", supervisor.Ready)
			e.To("etcd", supervisor.Stopping)
			e.To("etcd", supervisor.Stopped)
		}, `
    0.1 s  ✓ api
  1h30m0s  ✗ api is not ready any more: connection refused
  1h30m1s  ✓ api is ready again
  1h30m1s  - etcd is stopped
`},
		{"names what could not be stopped", func(e *enginetest.Engine) {
			e.AllReady("etcd")
			at(e, time.Minute)
			e.Halt()
			e.To("pki", supervisor.Stopping)
		}, `
    0.1 s  ✓ etcd (0.1 s)
Stopping.
     1m0s  - etcd is stopped
All but pki is stopped after 0.00 s.
`},
		{"tells of chaos and of its end", func(e *enginetest.Engine) {
			e.AllReady("etcd")
			at(e, time.Second)
			e.Change("etcd", func(u *supervisor.Status) { u.Chaos = "freeze for 2s" })
			at(e, 3*time.Second)
			e.Change("etcd", func(u *supervisor.Status) { u.Chaos = "" })
		}, `
    0.1 s  ✓ etcd (0.1 s)
    1.0 s  ! etcd: chaos, as somebody wants it: freeze for 2s
    3.0 s  ! etcd: chaos is over
`},
		{"ends with the stop", func(e *enginetest.Engine) {
			e.AllReady("pki", "etcd")
			at(e, time.Minute)
			e.Halt()
			at(e, 62*time.Second)
			e.To("dockerd", supervisor.Stopped)
		}, `
    0.1 s  ✓ pki (0.1 s)
    0.2 s  ✓ etcd (0.1 s)
Stopping.
     1m0s  - etcd is stopped
     1m2s  - dockerd is stopped
Everything is stopped after 2.0 s.
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Split(after(t, tt.do), "\n")
			want := strings.Split("dnetinit v1.0.0 boots Kubernetes v1.37.2"+tt.want, "\n")
			for i := range got { // the columns are looked at below
				got[i] = strings.TrimLeft(got[i], " ")
			}
			for i := range want {
				want[i] = strings.TrimLeft(want[i], " ")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheLinesStandBelowEachOther(t *testing.T) {
	story := after(t, func(e *enginetest.Engine) {
		e.AllReady("pki")
		at(e, 12*time.Minute)
		fail(e, "etcd", supervisor.Backoff, "", "text")
	})
	want := "dnetinit v1.0.0 boots Kubernetes v1.37.2\n" +
		"     0.1 s  ✓ pki (0.1 s)\n" +
		"     12m0s  ✗ etcd failed, and is tried again\n" +
		"             | text\n"
	if diff := cmp.Diff(want, story); diff != "" {
		t.Error(diff)
	}
}

func TestTheStoryEndsWithTheContextToo(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l := Log{Engine: enginetest.New(t), Out: new(strings.Builder)}
	if err := l.Run(ctx); err != nil {
		t.Error(err)
	}
}
