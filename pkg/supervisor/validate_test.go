package supervisor

import (
	"strings"
	"testing"
)

func TestFaultyGraphsAreRefusedWithEveryFaultNamed(t *testing.T) {
	tests := []struct {
		name  string
		graph Graph
		want  []string // all in the error; none: the graph is good
	}{
		{
			name: "a graph in which all needs are there is good",
			graph: Graph{
				Phases:     []Phase{{Name: "pki"}},
				Services:   []Service{{Name: "etcd", Needs: []string{"pki"}}, {Name: "dockerd", Defer: "ready"}},
				Milestones: []Milestone{{Name: "ready", Needs: []string{"etcd"}}},
			},
		},
		{
			name:  "an unknown need",
			graph: Graph{Services: []Service{{Name: "etcd", Needs: []string{"pkii"}}}},
			want:  []string{`service "etcd" needs "pkii"`, "no phase, service or milestone"},
		},
		{
			name:  "an unknown unit to defer to",
			graph: Graph{Services: []Service{{Name: "dockerd", Defer: "redy"}}},
			want:  []string{`service "dockerd" needs "redy"`},
		},
		{
			name:  "a name used by a phase and a service",
			graph: Graph{Phases: []Phase{{Name: "etcd"}}, Services: []Service{{Name: "etcd"}}},
			want:  []string{`service "etcd": there is a phase of that name already`},
		},
		{
			name:  "a unit without a name",
			graph: Graph{Phases: []Phase{{Summary: "certificates"}}},
			want:  []string{`a phase without a name ("certificates")`},
		},
		{
			name:  "two faults are both named",
			graph: Graph{Phases: []Phase{{Name: "a", Needs: []string{"x"}}, {Name: "a"}}},
			want:  []string{`"x"`, "already"},
		},
		{
			name:  "a unit that needs itself",
			graph: Graph{Phases: []Phase{{Name: "a", Needs: []string{"a"}}}},
			want:  []string{"a → a"},
		},
		{
			name: "a cycle across the kinds",
			graph: Graph{
				Phases:     []Phase{{Name: "first"}, {Name: "addons", Needs: []string{"first", "api"}}},
				Services:   []Service{{Name: "apiserver", Needs: []string{"addons"}}},
				Milestones: []Milestone{{Name: "api", Needs: []string{"apiserver"}}},
			},
			want: []string{"addons → api → apiserver → addons"},
		},
		{
			name: "a cycle through what a service is deferred to",
			graph: Graph{
				Services:   []Service{{Name: "dockerd", Defer: "ready"}},
				Milestones: []Milestone{{Name: "ready", Needs: []string{"dockerd"}}},
			},
			want: []string{"dockerd → ready → dockerd"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.graph.rows()
			if len(tt.want) == 0 {
				if err != nil {
					t.Fatalf("a good graph is refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("the graph is taken")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}
