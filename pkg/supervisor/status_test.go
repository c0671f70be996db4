package supervisor

import (
	"slices"
	"testing"
)

func TestWhatHoldsAUnitBack(t *testing.T) {
	row := func(name string, s State, needs ...string) Status {
		return Status{Name: name, State: s, Needs: needs}
	}
	tests := []struct {
		name     string
		units    []Status
		target   string
		blocking []string
		hopeless []string
	}{
		{"nothing holds back what is ready", []Status{row("ready", Ready)}, "ready", nil, nil},
		{"nothing is known of an unknown name", []Status{row("ready", Starting)}, "nodes", nil, nil},
		{"a unit that is starting holds back itself", []Status{row("api", Starting)}, "api", []string{"api"}, nil},
		{
			"the root of a chain is named, not the chain",
			[]Status{row("etcd", Starting), row("apiserver", Waiting, "etcd"), row("api", Waiting, "apiserver")},
			"api", []string{"etcd"}, nil,
		},
		{
			"two roots are both named, once",
			[]Status{row("etcd", Starting), row("pki", Failed), row("apiserver", Waiting, "etcd", "pki"), row("api", Waiting, "apiserver", "etcd")},
			"api", []string{"etcd", "pki"}, []string{"pki"},
		},
		{
			"what is not on the way is of no interest",
			[]Status{row("dockerd", Degraded), row("api", Starting)},
			"api", []string{"api"}, nil,
		},
		{
			"a stopped service and a degraded one need help",
			[]Status{row("etcd", Stopped), row("kubelet", Degraded), row("ready", Waiting, "etcd", "kubelet")},
			"ready", []string{"etcd", "kubelet"}, []string{"etcd", "kubelet"},
		},
		{
			"a service in backoff may still come by itself",
			[]Status{row("etcd", Backoff), row("ready", Waiting, "etcd")},
			"ready", []string{"etcd"}, nil,
		},
	}
	names := func(units []Status) (names []string) {
		for _, u := range units {
			names = append(names, u.Name)
		}
		return names
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Snapshot{Units: tt.units}
			if got := names(s.Blocking(tt.target)); !slices.Equal(got, tt.blocking) {
				t.Errorf("blocking %v, want %v", got, tt.blocking)
			}
			if got := names(s.Hopeless(tt.target)); !slices.Equal(got, tt.hopeless) {
				t.Errorf("hopeless %v, want %v", got, tt.hopeless)
			}
		})
	}
}
