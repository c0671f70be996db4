package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMemoryIsLimitedAndTheLimitIsLifted(t *testing.T) {
	tests := []struct {
		name    string
		unified bool
		files   map[string]string // before
		limited map[string]string
		lifted  map[string]string
	}{
		{
			"on v2 swap is taken away as well", true,
			map[string]string{"/memory.max": "max", "/memory.swap.max": "max"},
			map[string]string{"/memory.max": "4096", "/memory.swap.max": "0"},
			map[string]string{"/memory.max": "max", "/memory.swap.max": "max"},
		},
		{
			"on v1 the bound holds for both together", false,
			map[string]string{"/memory.limit_in_bytes": "9", "/memory.memsw.limit_in_bytes": "9"},
			map[string]string{"/memory.limit_in_bytes": "4096", "/memory.memsw.limit_in_bytes": "4096"},
			map[string]string{"/memory.limit_in_bytes": "-1", "/memory.memsw.limit_in_bytes": "-1"},
		},
		{
			"a kernel that does not count swap", false,
			map[string]string{"/memory.limit_in_bytes": "9"},
			map[string]string{"/memory.limit_in_bytes": "4096"},
			map[string]string{"/memory.limit_in_bytes": "-1"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tree(t, tt.files)
			g := &Group{unified: tt.unified, dirs: []string{t.TempDir(), dir}}
			for _, step := range []struct {
				bytes uint64
				want  map[string]string
			}{{4096, tt.limited}, {0, tt.lifted}} {
				if err := g.LimitMemory(step.bytes); err != nil {
					t.Fatal(err)
				}
				for file, want := range step.want {
					if got, err := os.ReadFile(filepath.Join(dir, file)); string(got) != want {
						t.Errorf("after a limit of %d, %s holds %q, want %q (%v)", step.bytes, file, got, want, err)
					}
				}
			}
		})
	}
}

func TestWithoutAMemoryControllerThereIsNoLimit(t *testing.T) {
	g := &Group{Path: "/dnetinit/etcd", dirs: []string{t.TempDir()}}
	if err := g.LimitMemory(4096); err == nil || !strings.Contains(err.Error(), "/dnetinit/etcd") {
		t.Errorf("got %v", err)
	}
}
