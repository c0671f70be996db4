package cli

import (
	"path"
	"slices"
	"strings"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// targets are systemd's names for the ready cluster; the first is the one shown.
var targets = []string{"multi-user.target", "default.target", "graphical.target", "kubernetes.target"}

// aliases are other names that scripts have for services.
var aliases = map[string]string{"docker": "dockerd", "docker.service": "dockerd", "docker.socket": "dockerd"}

// unit is one of ours as systemd would show it.
type unit struct {
	supervisor.Status
	id          string // "docker.service"
	known       bool
	active, sub string
}

// systemd's words for our states: ActiveState and SubState.
var words = map[supervisor.State][2]string{
	supervisor.Waiting:  {"activating", "start-pre"},
	supervisor.Starting: {"activating", "start"},
	supervisor.Ready:    {"active", "running"},
	supervisor.Backoff:  {"activating", "auto-restart"},
	supervisor.Degraded: {"failed", "failed"},
	supervisor.Stopping: {"deactivating", "stop-sigterm"},
	supervisor.Stopped:  {"inactive", "dead"},
	supervisor.Failed:   {"failed", "failed"},
}

// describe shows u as systemd would.
func (s *shim) describe(u supervisor.Status) unit {
	w := words[u.State]
	d := unit{Status: u, known: true, active: w[0], sub: w[1]}
	switch {
	case u.Kind == supervisor.KindMilestone && u.Name == "ready":
		d.id = targets[0]
	case u.Kind == supervisor.KindMilestone:
		d.id = u.Name + ".target"
	case u.Name == "dockerd":
		d.id = "docker.service"
	default:
		d.id = u.Name + ".service"
	}
	if u.State == supervisor.Ready {
		switch u.Kind {
		case supervisor.KindMilestone:
			d.sub = "active"
		case supervisor.KindPhase:
			d.sub = "exited"
		}
	}
	// A target that can't be reached without help has failed, though systemd
	// would leave it inactive and say so of another unit.
	if u.Kind == supervisor.KindMilestone && len(s.snap.Hopeless(u.Name)) > 0 {
		d.active, d.sub = "failed", "failed"
	}
	return d
}

// unit finds the unit that a user calls name. While PID 1 has only begun to
// boot, every name is taken for one.
func (s *shim) unit(name string) unit {
	if s.booting {
		return unit{id: withSuffix(name), known: true, active: "activating", sub: "start-pre"}
	}
	want, kinds := name, []supervisor.Kind{supervisor.KindService, supervisor.KindPhase, supervisor.KindMilestone}
	switch base, suffix, _ := strings.Cut(name, "."); {
	case slices.Contains(targets, name):
		want, kinds = "ready", kinds[2:]
	case aliases[name] != "":
		want = aliases[name]
	case suffix == "service":
		want, kinds = base, kinds[:2]
	case suffix == "target":
		want, kinds = base, kinds[2:]
	}
	if u, known := s.snap.Unit(want); known && slices.Contains(kinds, u.Kind) {
		return s.describe(u)
	}
	return unit{id: withSuffix(name), active: "inactive", sub: "dead"}
}

func withSuffix(name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return name + ".service"
}

// units finds all units of the names, which may be patterns such as "kube-*".
func (s *shim) units(names []string) []unit {
	var list []unit
	for _, name := range names {
		if !strings.ContainsAny(name, "*?[") {
			list = append(list, s.unit(name))
			continue
		}
		for _, u := range s.every() {
			whole, _ := path.Match(name, u.id)
			base, _ := path.Match(withSuffix(name), u.id)
			if whole || base {
				list = append(list, u)
			}
		}
	}
	return list
}

// every lists all units.
func (s *shim) every() []unit {
	var list []unit
	for _, u := range s.snap.Units {
		list = append(list, s.describe(u))
	}
	return list
}
