package control

import (
	"io"
	"strings"
	"testing"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestMetricsShowWhatStatusShows(t *testing.T) {
	e := boot(t)
	e.AllReady("pki", "etcd", "kube-apiserver", "api")
	e.Change("etcd", func(u *supervisor.Status) { u.Restarts, u.CPU, u.Memory = 2, 1.5, 1<<20 })
	resp, err := raw(t, serve(t, e)).Get("http://dnetinit/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`dnetinit_unit_state{kind="service",state="ready",unit="etcd"} 1`,
		`dnetinit_unit_state{kind="service",state="failed",unit="etcd"} 0`,
		`dnetinit_unit_state{kind="milestone",state="waiting",unit="ready"} 1`,
		`dnetinit_unit_restarts_total{unit="etcd"} 2`,
		`dnetinit_unit_cpu_seconds_total{unit="etcd"} 1.5`,
		`dnetinit_unit_memory_bytes{unit="etcd"} 1.048576e+06`,
		`dnetinit_boot_milestone_seconds{milestone="api"} 0.4`,
		`dnetinit_version_info{part="kubernetes",version="v1.37.2"} 1`,
	} {
		if !strings.Contains(string(body), "\n"+want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	if strings.Contains(string(body), `milestone="ready"`) {
		t.Error("a milestone that was never ready has a time")
	}
	if t.Failed() {
		t.Logf("%s", body)
	}
}
