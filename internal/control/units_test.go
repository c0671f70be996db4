package control

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestStatusIsTheSnapshot(t *testing.T) {
	e := boot(t)
	e.AllReady("pki")
	got, err := connect(t, e).Snapshot(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e.Snapshot(), got); diff != "" {
		t.Error(diff)
	}
}

func TestAServiceIsStartedStoppedAndRestarted(t *testing.T) {
	e := boot(t)
	c := connect(t, e)
	for _, do := range []func() error{
		func() error { return c.Start(soon(t), "etcd") },
		func() error { return c.Stop(soon(t), "kube-apiserver") },
		func() error { return c.Restart(soon(t), "etcd") },
	} {
		if err := do(); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{"start etcd", "stop kube-apiserver", "restart etcd"}, e.Calls()); diff != "" {
		t.Error(diff)
	}
}

func TestAWishThatCannotBeGranted(t *testing.T) {
	services := []string{"etcd", "kube-apiserver", "dockerd"}
	tests := []struct {
		name, service string
		refusal       error
		stopping      bool
		want          Error
	}{
		{"for an unknown service names those that there are", "etcdd", nil, false,
			Error{404, `there is no service "etcdd"`, services}},
		{"for a path instead of a name is just as unknown", "../etcd", nil, false,
			Error{404, `there is no service "../etcd"`, services}},
		{"for a milestone says that it is one", "ready", nil, false,
			Error{404, "ready is a milestone, not a service", services}},
		{"that the engine refuses has its words", "etcd", errors.New("cannot start etcd: exit status 1"), false,
			Error{409, "cannot start etcd: exit status 1", nil}},
		{"while everything is stopped says so", "etcd", nil, true,
			Error{409, "cannot start etcd: everything is being stopped", nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := boot(t)
			e.Refuse(tt.refusal)
			if tt.stopping {
				e.Halt()
			}
			err := connect(t, e).Start(soon(t), tt.service)
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadySaysWhyNot(t *testing.T) {
	tests := []struct {
		name string
		do   func(*enginetest.Engine)
		want Ready
	}{
		{"while it waits", func(e *enginetest.Engine) {
			e.AllReady("pki")
			e.To("etcd", supervisor.Starting)
		}, Ready{false, "etcd is starting"}},
		{"when it is", func(e *enginetest.Engine) {
			e.AllReady()
		}, Ready{true, ""}},
		{"when it stops", func(e *enginetest.Engine) {
			e.AllReady()
			e.Halt()
		}, Ready{false, "stopping"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := boot(t)
			tt.do(e)
			got, err := connect(t, e).Ready(soon(t))
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestReadyNamesTheReasonOfEachUnitThatBlocks(t *testing.T) {
	e := boot(t)
	e.Change("pki", func(u *supervisor.Status) { u.State, u.Reason = supervisor.Backoff, "disk full" })
	if got := readiness(e.Snapshot()).Reason; got != "pki is backoff (disk full)" {
		t.Errorf("got %q", got)
	}
	if got := readiness(supervisor.Snapshot{}).Reason; got != `nothing is called "ready" here` {
		t.Errorf("without that milestone: got %q", got)
	}
}

func TestVersions(t *testing.T) {
	got, err := connect(t, boot(t)).Versions(soon(t))
	if err != nil || got["kubernetes"] != "v1.37.2" || got["dnetinit"] != "v1" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAnUnknownPathIsAnsweredWithTheTable(t *testing.T) {
	socket := serve(t, boot(t))
	resp, err := raw(t, socket).Get("http://dnetinit/v2/everything")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "GET /v1/status: every unit") {
		t.Errorf("got %s: %s", resp.Status, body)
	}
}

func TestEveryEndpointAnswersAtLeastOnce(t *testing.T) {
	e := boot(t)
	e.AllReady()
	e.End()
	socket := serve(t, e)
	queries := map[string]string{"/v1/services/{name}/chaos": "?do=kill"}
	for _, row := range (&Server{engine: e}).endpoints() {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			req, err := http.NewRequestWithContext(soon(t), row.method, "http://dnetinit"+strings.Replace(row.path, "{name}", "etcd", 1)+queries[row.path], nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := raw(t, socket).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("got %s, %v", resp.Status, err)
			}
			if row.summary == "" {
				t.Error("it has no summary")
			}
		})
	}
}

func TestNamesAreInTheOrderOfTheKindsAndOfTheDeclaration(t *testing.T) {
	got := names(boot(t).Snapshot(), supervisor.KindMilestone, supervisor.KindPhase)
	if !slices.Equal(got, []string{"api", "docker", "ready", "pki"}) {
		t.Errorf("got %q", got)
	}
}
