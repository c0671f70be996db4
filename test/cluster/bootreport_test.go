package cluster

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/internal/bootreport"
	"github.com/lyft/dockernetes/pkg/supervisor"
	"github.com/lyft/dockernetes/test/rig"
)

func TestTheBootIsToldOnOneLine(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	line := c.Exec(t, "dnetinit", "boot", "time")
	if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "ready ") {
		t.Errorf("got %q", line)
	}
	for _, milestone := range []string{"api ", "node ", "default-sa ", "dns ", "CPU-seconds"} {
		if !strings.Contains(line, milestone) {
			t.Errorf("there is no %q in %q", milestone, line)
		}
	}
	var times bootreport.Times
	decode(t, c.Exec(t, "dnetinit", "boot", "time", "-o", "json"), &times)
	if times.FirstUnit <= 0 || times.Ready <= times.FirstUnit || times.CPUSeconds <= 0 {
		t.Errorf("got %+v", times)
	}
	// The supervisor's own count begins a moment later.
	status := c.Status(t)
	ready, _ := status.Unit("ready")
	if late := times.Zero.Add(time.Duration(times.Ready)).Sub(ready.ReadyAt).Abs(); late.Seconds() > 0.01 {
		t.Errorf("status says that it was ready %s earlier or later", late)
	}
}

func TestBlameHasEveryUnitThatBegan(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	var costs []bootreport.Cost
	decode(t, c.Exec(t, "dnetinit", "boot", "blame", "-o", "json"), &costs)
	cpu := map[string]float64{}
	for i, cost := range costs {
		if i > 0 && cost.Took > costs[i-1].Took {
			t.Errorf("%s is slower than %s, which comes before", cost.Name, costs[i-1].Name)
		}
		cpu[cost.Name] = cost.Total
	}
	text := c.Exec(t, "dnetinit", "boot", "blame")
	for _, u := range c.Status(t).Units {
		if !strings.Contains(text, " "+u.Name+" ("+string(u.Kind)) {
			t.Errorf("%s is not blamed:\n%s", u.Name, text)
		}
		if u.Kind == supervisor.KindService && u.Name != "dockerd" && cpu[u.Name] <= 0 {
			t.Errorf("%s has used no CPU", u.Name)
		}
	}
}

func TestTheCriticalChainLeadsFromTheFirstUnitToReady(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	var told struct {
		Chain []bootreport.Link `json:"chain"`
	}
	decode(t, c.Exec(t, "dnetinit", "boot", "critical-chain", "-o", "json"), &told)
	chain := told.Chain
	if len(chain) < 4 || len(chain[0].Needs) != 0 || chain[len(chain)-1].Name != "ready" {
		t.Fatalf("got %+v", chain)
	}
	for i, l := range chain[1:] {
		if l.After != chain[i].Name || l.Begun < chain[i].Ready {
			t.Errorf("%s began %s after %s, which was ready at %s", l.Name, l.Begun, l.After, chain[i].Ready)
		}
		// Nobody waits for anything but its needs.
		if l.Waited.Seconds() > 0.25 {
			t.Errorf("%s began only %s after all that it needs was ready", l.Name, l.Waited)
		}
	}
	if text := c.Exec(t, "dnetinit", "boot", "critical-chain", "etcd"); !strings.Contains(text, "etcd (service)") || strings.Contains(text, "kube-apiserver") {
		t.Errorf("the chain to etcd is\n%s", text)
	}
	if r := c.Try(t, "dnetinit", "boot", "critical-chain", "etc"); r.Code != 2 || !strings.Contains(r.Stderr, `there is no unit "etc"`) {
		t.Errorf("status %d: %s", r.Code, r.Stderr)
	}
}

func TestTheBootIsDrawn(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	svg := c.Exec(t, "dnetinit", "boot", "plot")
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range append(services, "prefers-color-scheme: dark", "Kubernetes v1.37.2 ready after") {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is not in the picture", want)
		}
	}
	var trace bootreport.Trace
	decode(t, c.Exec(t, "dnetinit", "boot", "trace"), &trace)
	kinds := map[string]int{}
	for _, e := range trace.Events {
		kinds[e.Phase]++
	}
	if kinds["X"] < len(services) || kinds["C"] < 10 || kinds["s"] == 0 || kinds["s"] != kinds["f"] {
		t.Errorf("the trace has %v events", kinds)
	}
}

func TestTheBootBeforeIsStillKnownAfterARestart(t *testing.T) {
	t.Parallel()
	c := rig.New(t, rig.Setup{})
	c.Ready(t)
	first := zeroOf(t, c, "0")
	c.Docker(t, "restart")
	c.Ready(t)
	if second := zeroOf(t, c, "0"); !second.Zero.After(first.Zero) {
		t.Errorf("after a restart, this boot is that of %s", second.Zero)
	}
	if before := zeroOf(t, c, "1"); !before.Zero.Equal(first.Zero) || before.Ready == 0 {
		t.Errorf("the boot before is that of %s", before.Zero)
	}
	if list := c.Exec(t, "dnetinit", "boot", "list"); strings.Count(list, "\n") != 3 {
		t.Errorf("the boots are\n%s", list)
	}
}

func zeroOf(t *testing.T, c *rig.Cluster, boot string) (times bootreport.Times) {
	t.Helper()
	decode(t, c.Exec(t, "dnetinit", "boot", "time", "-o", "json", "--boot", boot), &times)
	return times
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %.500s", err, text)
	}
}
