package cluster

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

var services = []string{
	"containerd", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "dockerd",
}

func TestStatusShowsEveryServiceAndMilestoneAsReady(t *testing.T) {
	c := cluster(t)
	snapshot := c.Status(t)
	for _, name := range services {
		unit, known := snapshot.Unit(name)
		if !known || unit.State != supervisor.Ready || unit.PID < 2 || unit.Kind != supervisor.KindService {
			t.Errorf("service %s: %+v", name, unit)
		}
		if unit.CPU <= 0 || unit.Memory == 0 {
			t.Errorf("service %s uses %v CPU seconds and %d bytes of memory", name, unit.CPU, unit.Memory)
		}
	}
	for _, name := range milestones {
		if unit, known := snapshot.Unit(name); !known || unit.State != supervisor.Ready || unit.ReadyAt.IsZero() {
			t.Errorf("milestone %s: %+v", name, unit)
		}
	}
	for _, unit := range snapshot.Units {
		if unit.State != supervisor.Ready {
			t.Errorf("%s %s is %s: %s", unit.Kind, unit.Name, unit.State, unit.Reason)
		}
	}
}

func TestStatusIsATableOrYAML(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	table := c.Exec(t, "dnetinit", "status")
	for _, name := range append(services, milestones...) {
		if !strings.Contains(table, name) {
			t.Errorf("%s is not in the table:\n%s", name, table)
		}
	}
	var snapshot supervisor.Snapshot
	document := c.Exec(t, "dnetinit", "status", "-o", "yaml")
	if err := yaml.Unmarshal([]byte(document), &snapshot); err != nil || len(snapshot.Units) == 0 {
		t.Errorf("no snapshot in YAML (%v):\n%s", err, document)
	}
}

func TestLogsOfEveryService(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	for _, name := range services {
		if lines := strings.Count(c.Exec(t, "dnetinit", "logs", "--tail", "3", name), "\n"); lines < 1 || lines > 3 {
			t.Errorf("%s: %d lines, asked for 3", name, lines)
		}
	}
	if r := c.Try(t, "dnetinit", "logs", "etcdd"); r.Code == 0 || !strings.Contains(r.Output(), "etcdd") {
		t.Errorf("status %d for an unknown service:\n%s", r.Code, r.Output())
	}
	follow := c.Background(t, "dnetinit", "logs", "--follow", "--tail", "1", "kube-apiserver")
	follow.Line(t, 30*time.Second, func(line string) bool { return line != "" })
}

func TestMetricsAreServedOverTheSocket(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	metrics := c.Exec(t, "/root/testapp/app", "get", "http://dnetinit/metrics", "/run/dnetinit/dnetinit.sock")
	for _, name := range services {
		if !strings.Contains(metrics, `"`+name+`"`) {
			t.Errorf("no metric of %s", name)
		}
	}
	if !strings.Contains(metrics, "# TYPE dnetinit_") {
		t.Errorf("no metric called dnetinit_…:\n%.2000s", metrics)
	}
}

func TestEventsTellTheBootInItsOrder(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	events := c.Background(t, "/root/testapp/app", "get", "http://dnetinit/v1/events?after=0", "/run/dnetinit/dnetinit.sock")
	last := uint64(0)
	events.Line(t, 10*time.Second, func(line string) bool {
		var event supervisor.Event
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if event.Seq != last+1 {
			t.Errorf("after event %d comes %d", last, event.Seq)
		}
		last = event.Seq
		return event.Unit == "ready" && event.To == supervisor.Ready
	})
}
