package cgroup

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startIn starts a child the v1 way: a thread enters the group and forks.
func startIn(t *testing.T, cg *Tree, g *Group, role string) int {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	enter := func(dirs []string) {
		for _, dir := range dirs {
			if err := write(filepath.Join(dir, "tasks"), strconv.Itoa(syscall.Gettid())); err != nil {
				t.Fatal(err)
			}
		}
	}
	enter(g.Dirs())
	defer enter(cg.Dirs())
	return child(t, role, nil).Process.Pid
}

func TestV1GroupHoldsCountsAndKills(t *testing.T) {
	cg := realV1(t)
	home := threadGroups(t)
	g, err := cg.New("etcd")
	if err != nil {
		t.Fatal(err)
	}
	if g.FD() != 0 {
		t.Errorf("FD %d on v1", g.FD())
	}
	// The machine's own memory group is not where this test's thread is.
	cg.Hierarchies = home(cg.Hierarchies)
	pid := startIn(t, cg, g, "family")

	if pids := g.Procs(); !slices.Contains(pids, pid) || slices.Contains(pids, os.Getpid()) || len(pids) < 4 {
		t.Errorf("procs %v, want %d and its family but not ourselves", pids, pid)
	}
	s := g.Stats()
	if s.CPUSeconds <= 0 || s.MemoryBytes == 0 || s.MemoryPeak < s.MemoryBytes/2 || s.Pids < 4 || s.OOMKills != 0 {
		t.Errorf("stats %+v", s)
	}
	if err := g.Delete(); err == nil {
		t.Error("a group with processes was removed")
	}

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := g.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	if pids := g.Procs(); len(pids) > 0 {
		t.Errorf("%v outlived Kill", pids)
	}
	if err := g.Delete(); err != nil {
		t.Error(err)
	}
	if err := g.Delete(); err != nil {
		t.Errorf("a second Delete: %v", err)
	}
}

// threadGroups returns a function that makes the groups this test runs in the
// trees' own, so that its thread can go back there.
func threadGroups(t *testing.T) func([]Hierarchy) []Hierarchy {
	own, err := readPaths("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	return func(hs []Hierarchy) []Hierarchy {
		for i, h := range hs {
			for _, p := range own {
				if slices.Equal(p.controllers, h.Controllers) {
					hs[i].Dir = filepath.Join(h.Mount, p.path)
				}
			}
		}
		return hs
	}
}

func TestV1KillReachesAFrozenSubgroup(t *testing.T) {
	cg := realV1(t)
	g, err := cg.New("dockerd")
	if err != nil {
		t.Fatal(err)
	}
	c := child(t, "idle", nil)
	sub := filepath.Join(g.dirs[0], "container")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := (&Group{dirs: []string{sub}}).Add(c.Process.Pid); err != nil {
		t.Fatal(err)
	}
	_ = write(filepath.Join(sub, "freezer.state"), "FROZEN")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := g.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	if err := g.Delete(); err != nil {
		t.Error(err)
	}
}

func TestV2GroupIsClonedIntoAndKilled(t *testing.T) {
	cg, own := realV2(t)
	if _, err := cg.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	g, err := cg.New("etcd")
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Dirs()) != 0 || g.FD() <= 0 {
		t.Errorf("dirs %v, FD %d", g.Dirs(), g.FD())
	}
	c := child(t, "family", &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.FD()})
	if pids := g.Procs(); !slices.Contains(pids, c.Process.Pid) || len(pids) < 4 {
		t.Errorf("procs %v, want %d and its family", pids, c.Process.Pid)
	}
	if s := g.Stats(); s.CPUSeconds <= 0 {
		t.Errorf("stats %+v", s)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := g.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	if err := g.Delete(); err != nil {
		t.Error(err)
	}
	if exists(filepath.Join(own, "dnetinit/etcd")) {
		t.Error("the group is still there")
	}
}

func TestKillGivesUpWithItsContextAndNamesWhoIsLeft(t *testing.T) {
	c := child(t, "idle", nil)
	// A list that is no kernel's: whoever is killed stays in it.
	list := strconv.Itoa(c.Process.Pid) + "\n"
	g := &Group{Path: "/dnetinit/stuck", dirs: []string{tree(t, map[string]string{"/cgroup.procs": list})}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := g.Kill(ctx)
	if err == nil || !strings.Contains(err.Error(), "the processes ["+strings.TrimSpace(list)+"] do not end") {
		t.Errorf("got %v", err)
	}
}

func TestKillOfAnEmptyGroupNeedsNoTime(t *testing.T) {
	g := &Group{Path: "/dnetinit/etcd", dirs: []string{tree(t, map[string]string{"/cgroup.procs": "0\n"})}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Kill(ctx); err != nil {
		t.Error(err)
	}
}

func TestStatsOfFiles(t *testing.T) {
	cases := map[string]struct {
		unified bool
		files   map[string]string
		want    Stats
	}{
		"v2": {true, map[string]string{
			"/cpu.stat":       "usage_usec 2500000\nuser_usec 1\n",
			"/memory.current": "4096\n",
			"/memory.peak":    "8192\n",
			"/pids.current":   "7\n",
			"/memory.events":  "low 0\noom 3\noom_kill 2\noom_group_kill 0\n",
		}, Stats{2.5, 4096, 8192, 7, 2}},
		"v1": {false, map[string]string{
			"/cpuacct.usage":             "2500000000\n",
			"/memory.usage_in_bytes":     "4096\n",
			"/memory.max_usage_in_bytes": "8192\n",
			"/pids.current":              "7\n",
			"/memory.oom_control":        "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
		}, Stats{2.5, 4096, 8192, 7, 2}},
		"none at all": {true, nil, Stats{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			g := &Group{unified: c.unified, dirs: []string{tree(t, c.files)}}
			if got := g.Stats(); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestNamesThatAreNoNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "/a"} {
		if _, err := (&Tree{Mode: V1}).New(name); err == nil || !strings.Contains(err.Error(), "one element") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestWithoutAnyHierarchyThereIsNoGroup(t *testing.T) {
	_, err := (&Tree{Mode: V1}).New("etcd")
	if err == nil || !strings.Contains(err.Error(), "no v1 hierarchy is scoped") {
		t.Errorf("got %v", err)
	}
}
