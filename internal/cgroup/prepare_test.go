package cgroup

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestPrepareMovesProcessesAndEnablesControllers(t *testing.T) {
	cg, own := realV2(t)
	c := child(t, "idle", nil)
	if err := evacuateOne(own, c.Process.Pid); err != nil {
		t.Fatal(err)
	}

	for range 2 { // the second time there is nothing to do
		refused, err := cg.Prepare(t.Context())
		if err != nil || len(refused) > 0 {
			t.Fatalf("refused %v, %v", refused, err)
		}
	}

	if pids := readPids(filepath.Join(own, "cgroup.procs")); len(pids) > 0 {
		t.Errorf("the group still holds %v", pids)
	}
	if pids := readPids(filepath.Join(own, "init/cgroup.procs")); !slices.Equal(pids, []int{c.Process.Pid}) {
		t.Errorf("init holds %v, want %d", pids, c.Process.Pid)
	}
	if left := missingControllers(own); len(left) > 0 {
		t.Errorf("%v are not enabled", left)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
}

func TestPrepareWinsAgainstProcessesThatComeIn(t *testing.T) {
	cg, own := realV2(t)
	if len(missingControllers(own)) == 0 {
		t.Skip("no controller is free for v2")
	}
	c := child(t, "idle", nil)
	if err := evacuateOne(own, c.Process.Pid); err != nil {
		t.Fatal(err)
	}
	ctx, done := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			// It fails once the controllers are on.
			_ = evacuateOne(own, c.Process.Pid)
		}
	})
	refused, err := cg.Prepare(ctx)
	done()
	wg.Wait()
	if err != nil || len(refused) > 0 {
		t.Errorf("refused %v, %v", refused, err)
	}
	if left := missingControllers(own); len(left) > 0 {
		t.Errorf("%v are not enabled", left)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
}

func TestThreadedControllersAreEnabledLast(t *testing.T) {
	dir := tree(t, map[string]string{
		"/cgroup.controllers":     "cpuset cpu io memory hugetlb pids rdma misc\n",
		"/cgroup.subtree_control": "rdma\n",
	})
	want := []string{"io", "memory", "hugetlb", "misc", "cpuset", "cpu", "pids"}
	if got := missingControllers(dir); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func evacuateOne(dir string, pid int) error {
	return (&Group{dirs: []string{dir}, unified: true}).Add(pid)
}

func TestPrepareRefusesTheHostsRoot(t *testing.T) {
	cg, err := Options{FS: tree(t, map[string]string{
		"/proc/self/cgroup":                 "0::/\n",
		"/proc/self/mountinfo":              mountLine(30, "/", "/sys/fs/cgroup", "cgroup2", ""),
		"/sys/fs/cgroup/cgroup.procs":       "1\n",
		"/sys/fs/cgroup/cgroup.controllers": "memory\n",
	})}.Detect()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cg.Prepare(t.Context()); !errors.Is(err, errNotOurs) {
		t.Errorf("Prepare: %v", err)
	}
	if _, err := cg.New("etcd"); !errors.Is(err, errNotOurs) {
		t.Errorf("New: %v", err)
	}
}

func TestReadPidsSkipsOtherPidNamespaces(t *testing.T) {
	root := tree(t, map[string]string{"/cgroup.procs": "0\n1\n0\n25\n"})
	if got := readPids(filepath.Join(root, "cgroup.procs")); !slices.Equal(got, []int{1, 25}) {
		t.Errorf("got %v", got)
	}
}

func TestCpusetsAreCopiedDownToOurs(t *testing.T) {
	root := tree(t, map[string]string{
		"/proc/self/cgroup":                               "4:cpuset:/docker/x\n",
		"/proc/self/mountinfo":                            mountLine(30, "/", "/sys/fs/cgroup/cpuset", "cgroup", "cpuset"),
		"/sys/fs/cgroup/cpuset/cpuset.cpus":               "0-1\n",
		"/sys/fs/cgroup/cpuset/cpuset.mems":               "0\n",
		"/sys/fs/cgroup/cpuset/docker/cpuset.cpus":        "1\n",
		"/sys/fs/cgroup/cpuset/docker/cpuset.mems":        "\n",
		"/sys/fs/cgroup/cpuset/docker/x/cpuset.cpus":      "\n",
		"/sys/fs/cgroup/cpuset/docker/x/cpuset.mems":      "\n",
		"/sys/fs/cgroup/cpuset/docker/x/cgroup.procs":     "1\n",
		"/sys/fs/cgroup/cpuset/docker/other/cpuset.cpus":  "\n",
		"/sys/fs/cgroup/cpuset/docker/other/cgroup.procs": "7\n",
	})
	cg, err := Options{FS: root}.Detect()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cg.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range []string{"docker/cpuset.cpus", "docker/cpuset.mems", "docker/x/cpuset.cpus", "docker/x/cpuset.mems", "docker/other/cpuset.cpus"} {
		got = append(got, readString(filepath.Join(root, "sys/fs/cgroup/cpuset", f)))
	}
	if s := strings.Join(got, " "); s != "1 0 1 0 " {
		t.Errorf("got %q", s)
	}
}
