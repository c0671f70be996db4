package bootreport

import (
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

const ms = Offset(time.Millisecond)

func unit(kind supervisor.Kind, name string, begun, ready Offset, needs ...string) Unit {
	return Unit{Name: name, Kind: kind, Summary: "the " + name, Needs: needs, Begun: begun * ms, Ready: ready * ms}
}

// small is a boot that a reader can follow: pki, then etcd, then nothing at
// all for 200 ms, then the API server, while images are unpacked beside.
func small() Record {
	const phase, service, milestone = supervisor.KindPhase, supervisor.KindService, supervisor.KindMilestone
	r := Record{
		Zero:     time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Forked:   -40 * ms,
		Until:    1500 * ms,
		CPUs:     2,
		Versions: map[string]string{"dnetinit": "v1.0.0", "kubernetes": "v1.37.2"},
		Units: []Unit{
			unit(phase, "pki", 20, 70),
			unit(phase, "images", 21, 400),
			unit(service, "etcd", 71, 200, "pki"),
			unit(service, "kube-apiserver", 400, 900, "pki", "etcd"),
			unit(service, "dockerd", 1001, 1400, "images", "ready"),
			unit(milestone, "api", 901, 1000, "kube-apiserver"),
			unit(milestone, "docker", 1401, 1410, "dockerd"),
			unit(milestone, "ready", 1000, 1000, "api", "images"),
		},
		Events: []Event{
			{At: 20 * ms, Unit: "pki", From: supervisor.Waiting, To: supervisor.Starting},
			{At: 500 * ms, Unit: "kube-apiserver", From: supervisor.Starting, To: supervisor.Backoff, Reason: "exit <status> 1"},
			{At: 900 * ms, Unit: "kube-apiserver", From: supervisor.Starting, To: supervisor.Ready},
		},
	}
	// Each step of 100 ms, the seconds that were used in it: by etcd, by
	// kube-apiserver, by PID 1, by others in the container and outside of it.
	steps := [][5]float64{
		{.05, 0, .04, .03, .01}, {.1, 0, 0, .05, 0},
		{0, 0, 0, 0, .01}, {.001, 0, 0, 0, .01}, // idle
		{.02, .1, 0, 0, 0}, {.02, .1, 0, 0, 0}, {.02, .1, 0, 0, 0}, {.02, .1, 0, 0, 0}, {.02, .08, 0, 0, .1},
		{0, .05, 0, 0, 0}, {0, 0, 0, 0, .15}, // not idle: others have the CPUs
		{0, .01, 0, .1, 0}, {0, .01, 0, .1, 0}, {0, .01, 0, .1, 0}, {0, .01, 0, .1, 0},
	}
	s := Sample{Machine: 5000, Container: .5, Init: .02}
	r.Samples = append(r.Samples, s)
	for i, step := range steps {
		s.At = Offset(i+1) * 100 * ms
		s.Services = map[string]float64{"etcd": s.Services["etcd"] + step[0], "kube-apiserver": s.Services["kube-apiserver"] + step[1]}
		s.Init += step[2]
		s.Container += step[0] + step[1] + step[2] + step[3]
		s.Machine += step[0] + step[1] + step[2] + step[3] + step[4]
		r.Samples = append(r.Samples, s)
	}
	return r
}
