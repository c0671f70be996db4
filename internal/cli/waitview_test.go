package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// steps are the states of the engine that a view is shown, one after the other.
type step func(e *enginetest.Engine)

func ready(names ...string) step { return func(e *enginetest.Engine) { e.AllReady(names...) } }

func state(name string, s supervisor.State, reason string) step {
	return func(e *enginetest.Engine) {
		e.Change(name, func(u *supervisor.Status) { u.State, u.Reason = s, reason })
	}
}

func clock(d time.Duration) step {
	return func(e *enginetest.Engine) { e.At(enginetest.Start.Add(d)) }
}

func shown(t *testing.T, view waitView, out *strings.Builder, steps ...step) string {
	t.Helper()
	e := enginetest.New(t, enginetest.Boot()...)
	for _, do := range append([]step{func(*enginetest.Engine) {}}, steps...) {
		do(e)
		p := control.Progress{For: "ready", Snapshot: e.Snapshot()}
		if u, _ := p.Snapshot.Unit("ready"); u.State == supervisor.Ready {
			p.Outcome = control.Reached
		}
		view.show(p)
	}
	view.end()
	return out.String()
}

func TestThePlainView(t *testing.T) {
	tests := []struct {
		name  string
		steps []step
		want  string
	}{
		{"has a line for each unit that gets ready", []step{
			ready("pki"), ready("etcd"), ready("kube-apiserver"), ready("api", "ready"),
		}, `
✓ pki             0.1 s
✓ etcd            0.2 s
✓ kube-apiserver  0.3 s
✓ api             0.4 s
✓ ready           0.5 s
`},
		{"leaves out what is not needed", []step{ready("dockerd", "docker"), ready("pki")}, `
✓ pki             0.3 s
`},
		{"has a line for each failure, and for getting up again", []step{
			ready("pki"),
			state("etcd", supervisor.Backoff, "exit status 1"),
			state("etcd", supervisor.Starting, ""),
			state("etcd", supervisor.Backoff, "exit status 2"),
			clock(3 * time.Second), ready("etcd"),
		}, `
✓ pki             0.1 s
✗ etcd            backoff: exit status 1
✗ etcd            backoff: exit status 2
✓ etcd            3.1 s
`},
		{"tells when something is lost", []step{
			ready("pki", "etcd"), state("etcd", supervisor.Starting, "probe: timeout"), clock(20 * time.Second), ready("etcd"),
		}, `
✓ pki             0.1 s
✓ etcd            0.2 s
… etcd            starting: probe: timeout
✓ etcd            20.1 s
`},
		{"reminds of what it waits for when nothing happens", []step{
			ready("pki"), state("etcd", supervisor.Starting, "connection refused"),
			clock(29 * time.Second), clock(31 * time.Second), clock(40 * time.Second),
		}, `
✓ pki             0.1 s
… etcd  starting for 30s: connection refused
`},
		{"has nothing to say of what goes on and on", []step{
			state("pki", supervisor.Starting, ""), state("pki", supervisor.Starting, "a new reason"),
		}, "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			got := shown(t, &plainView{changeLines: newChangeLines("ready", false), out: &out}, &out, tt.steps...)
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(got, "\x1b") {
				t.Error("there is an escape sequence")
			}
		})
	}
}

func TestTheLiveViewKeepsABlockOfWhatIsBeingWaitedFor(t *testing.T) {
	var out strings.Builder
	view := &liveView{changeLines: newChangeLines("ready", true), out: &out, width: 30}
	got := shown(t, view, &out,
		ready("pki"),
		func(e *enginetest.Engine) {
			state("etcd", supervisor.Starting, "a reason that is far too long for this line")(e)
			clock(5 * time.Second)(e)
		},
		ready("etcd", "kube-apiserver", "api", "ready"))
	want := strings.Join([]string{
		"\x1b[33m… pki  waiting for 0s\x1b[0m\n",
		"\x1b[1A\r\x1b[J",
		"\x1b[32m✓\x1b[0m pki             0.1 s\n",
		"\x1b[33m… etcd  waiting for 0s\x1b[0m\n",
		"\x1b[1A\r\x1b[J",
		"\x1b[33m… etcd  starting for 4s: a re\x1b[0m\n", // cut, as a wrapped line is two
		"\x1b[1A\r\x1b[J",
		"\x1b[32m✓\x1b[0m etcd            5.1 s\n",
		"\x1b[32m✓\x1b[0m kube-apiserver  5.2 s\n",
		"\x1b[32m✓\x1b[0m api             5.3 s\n",
		"\x1b[32m✓\x1b[0m ready           5.4 s\n",
	}, "")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheViewFitsTheOutput(t *testing.T) {
	tests := []struct {
		name         string
		width        int
		env          map[string]string
		live, colour bool
	}{
		{"on a terminal it is live and has colours", 80, nil, true, true},
		{"with NO_COLOR it is live without", 80, map[string]string{"NO_COLOR": "1"}, true, false},
		{"on a dumb terminal it is plain", 80, map[string]string{"TERM": "dumb"}, false, false},
		{"in a CI job's log it is plain", 0, nil, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &Env{Terminal: func() int { return tt.width }, Getenv: func(k string) string { return tt.env[k] }}
			view := e.newWaitView("ready")
			live, isLive := view.(*liveView)
			if isLive != tt.live || (isLive && live.colour != tt.colour) {
				t.Errorf("got %#v", view)
			}
		})
	}
}
