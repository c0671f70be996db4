package control

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

var (
	stateMetric = prometheus.NewDesc("dnetinit_unit_state",
		"1 for the state that the unit is in, 0 for the others.", []string{"unit", "kind", "state"}, nil)
	restartsMetric = prometheus.NewDesc("dnetinit_unit_restarts_total",
		"How often the service was started anew.", []string{"unit"}, nil)
	cpuMetric = prometheus.NewDesc("dnetinit_unit_cpu_seconds_total",
		"CPU time that the service's cgroup has used.", []string{"unit"}, nil)
	memoryMetric = prometheus.NewDesc("dnetinit_unit_memory_bytes",
		"Memory that the service's cgroup uses.", []string{"unit"}, nil)
	bootMetric = prometheus.NewDesc("dnetinit_boot_milestone_seconds",
		"Time from the start to the first moment at which the milestone was ready.", []string{"milestone"}, nil)
	versionMetric = prometheus.NewDesc("dnetinit_version_info",
		"1, with the version of a part.", []string{"part", "version"}, nil)
)

var states = []supervisor.State{
	supervisor.Waiting, supervisor.Starting, supervisor.Ready, supervisor.Backoff,
	supervisor.Degraded, supervisor.Stopping, supervisor.Stopped, supervisor.Failed,
}

// collector makes the metrics from a snapshot at each scrape, so that they
// can't differ from what status shows.
type collector struct {
	engine   Engine
	versions Versions
}

func newRegistry(e Engine, v Versions) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collector{e, v})
	// What PID 1 itself costs: its memory, descriptors and goroutines.
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{stateMetric, restartsMetric, cpuMetric, memoryMetric, bootMetric, versionMetric} {
		ch <- d
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	for part, version := range c.versions {
		send(versionMetric, prometheus.GaugeValue, 1, part, version)
	}
	snap := c.engine.Snapshot()
	for _, u := range snap.Units {
		for _, s := range states {
			v := 0.0
			if u.State == s {
				v = 1
			}
			send(stateMetric, prometheus.GaugeValue, v, u.Name, string(u.Kind), string(s))
		}
		switch u.Kind {
		case supervisor.KindService:
			send(restartsMetric, prometheus.CounterValue, float64(u.Restarts), u.Name)
			send(cpuMetric, prometheus.CounterValue, u.CPU, u.Name)
			send(memoryMetric, prometheus.GaugeValue, float64(u.Memory), u.Name)
		case supervisor.KindMilestone:
			if !u.ReadyAt.IsZero() {
				send(bootMetric, prometheus.GaugeValue, u.ReadyAt.Sub(snap.Started).Seconds(), u.Name)
			}
		}
	}
}
