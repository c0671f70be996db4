package supervisor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crash := false
		g := start(t,
			unit{name: "pki", kind: KindPhase, try: func(context.Context, *report) error { return nil }},
			unit{name: "etcd", kind: KindService, needs: []string{"pki"}, try: func(ctx context.Context, r *report) error {
				if crash {
					return errors.New("exit status 1")
				}
				return runs(ctx, r)
			}},
		)
		ctx := t.Context()
		steps := []struct {
			name    string
			do      func() error
			state   State
			wantErr string
		}{
			{"starting what runs changes nothing", func() error { return g.Start(ctx, "etcd") }, Ready, ""},
			{"a restart ends with the service ready", func() error { return g.Restart(ctx, "etcd") }, Ready, ""},
			{"a stopped service stays down", func() error { return g.Stop(ctx, "etcd") }, Stopped, ""},
			{"stopping it again changes nothing", func() error { return g.Stop(ctx, "etcd") }, Stopped, ""},
			{"a stopped service can be restarted", func() error { return g.Restart(ctx, "etcd") }, Ready, ""},
			{"a phase can't be stopped", func() error { return g.Stop(ctx, "pki") }, Ready, "pki is a phase"},
			{"an unknown name is answered with the known ones", func() error { return g.Stop(ctx, "etdc") }, Ready, `no service called "etdc"`},
			{"a start that fails says why", func() error { crash = true; return g.Restart(ctx, "etcd") }, Backoff, "cannot start etcd: exit status 1"},
		}
		for _, step := range steps {
			err := step.do()
			if (err == nil) != (step.wantErr == "") || err != nil && !strings.Contains(err.Error(), step.wantErr) {
				t.Errorf("%s: error %v, want %q", step.name, err, step.wantErr)
			}
			g.mustBe(t, "etcd", step.state)
		}
		g.stop(t)
		if err := g.Start(ctx, "pki"); err == nil {
			t.Error("a command after the end is obeyed")
		}
	})
}
