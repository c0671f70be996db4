package phases

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap/zaptest"
	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/internal/cgroup"
)

func TestCgroupSteps(t *testing.T) {
	const at = "/sys/fs/cgroup"
	v1 := func(controllers, mount, root, dir string, scoped bool) cgroup.Hierarchy {
		return cgroup.Hierarchy{Controllers: strings.Split(controllers, ","), Mount: mount, Root: root, Path: root, Dir: dir, Scoped: scoped}
	}
	cases := map[string]struct {
		tree cgroup.Tree
		want []string
	}{
		"v2 with a namespace is right as it is": {
			cgroup.Tree{Mode: cgroup.V2, Hierarchies: []cgroup.Hierarchy{{Unified: true, Mount: at, Root: "/", Path: "/", Dir: at, Scoped: true}}}, nil},
		"v2 without a namespace is bound over the host's": {
			cgroup.Tree{Mode: cgroup.V2, Hierarchies: []cgroup.Hierarchy{{Unified: true, Mount: at, Root: "/", Path: "/docker/x", Dir: at + "/docker/x", Scoped: true}}},
			[]string{at + "/docker/x bound to " + at, at + " bound to " + at + "/docker/x"}},
		"v1 without a namespace gets the host's paths": {
			cgroup.Tree{Mode: cgroup.V1, Hierarchies: []cgroup.Hierarchy{v1("memory", at+"/memory", "/docker/x", at+"/memory", true)}},
			[]string{at + "/memory bound to " + at + "/memory/docker/x"}},
		"controllers that are mounted together get their links": {
			cgroup.Tree{Mode: cgroup.V1, Hierarchies: []cgroup.Hierarchy{v1("cpu,cpuacct", at+"/none/cpu,cpuacct", "/", at+"/none/cpu,cpuacct", true)}},
			[]string{"link " + at + "/none/cpu -> cpu,cpuacct", "link " + at + "/none/cpuacct -> cpu,cpuacct"}},
		"what leads to the host is hidden, unless it is needed": {
			cgroup.Tree{Mode: cgroup.V1, Hierarchies: []cgroup.Hierarchy{
				v1("memory", at+"/memory", "/", at+"/memory", true), v1("misc", at+"/misc", "/", at+"/misc", false), v1("pids", at+"/pids", "/", at+"/pids", false)}},
			[]string{"nothing on " + at + "/misc"}},
		"a machine's own cgroups are left alone": {
			cgroup.Tree{Mode: cgroup.V1, Hierarchies: []cgroup.Hierarchy{v1("memory", at+"/memory", "/", at+"/memory", false), v1("misc", at+"/misc", "/", at+"/misc", false)}}, nil},
		"the unified one of a hybrid host is left alone": {
			cgroup.Tree{Mode: cgroup.Hybrid, Hierarchies: []cgroup.Hierarchy{
				v1("memory", at+"/memory", "/", at+"/memory", true), {Unified: true, Mount: at + "/unified", Root: "/", Path: "/x", Dir: at + "/unified/x", Scoped: true}}}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got, want := names(cgroupSteps(&c.tree)), strings.Join(c.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// ownCgroup moves this process to a new cgroup in some of the hierarchies of
// this machine, as an engine does for a container. The process outside removes
// it in the end.
const testGroup = "dnetinit-test-phases"

func ownCgroup(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		own := filepath.Join(dir, testGroup)
		if err := os.MkdirAll(own, 0o755); err != nil {
			t.Skipf("needs a writable cgroup: %v", err)
		}
		if err := os.WriteFile(own+"/cgroup.procs", []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
	}
}

func removeCgroups(t *testing.T) {
	t.Helper()
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/" + testGroup)
	for _, group := range append(groups, "/sys/fs/cgroup/"+testGroup) {
		var dirs []string
		_ = filepath.WalkDir(group, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestCgroupsOfAnEngineWithoutNamespaceOnV1(t *testing.T) {
	if !inNamespace(t) {
		removeCgroups(t)
		return
	}
	const at = "/sys/fs/cgroup"
	mountTmpfs(t, "/mnt")
	controllers := []string{"memory", "pids", "freezer"}
	for _, c := range controllers {
		if !exists(at + "/" + c + "/release_agent") {
			t.Skip("needs cgroup v1")
		}
		ownCgroup(t, at+"/"+c)
		if err := bind(at+"/"+c+"/"+testGroup, "/mnt/"+c, 0); err != nil {
			t.Fatal(err)
		}
	}
	mountTmpfs(t, at)
	for _, c := range controllers {
		if err := bind("/mnt/"+c, at+"/"+c, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Unmount("/mnt", unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Cgroups(zaptest.NewLogger(t))(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// What /proc/self/cgroup says is found below the mount, and once.
	for _, c := range controllers {
		got := getFile(t, at+"/"+c+"/"+testGroup+"/cgroup.procs")
		if !slices.Contains(strings.Fields(got), "1") {
			t.Errorf("%s: the path of our own group holds %q", c, got)
		}
	}
	if below, _ := mountsBelow(at + "/memory"); len(below) != 1 {
		t.Errorf("mounted: %v", below)
	}
	tree, err := cgroup.Detect()
	if err != nil {
		t.Fatal(err)
	}
	g, err := tree.New("etcd")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{at + "/freezer/dnetinit/etcd", at + "/pids/dnetinit/etcd", at + "/memory/dnetinit/etcd"}
	if !slices.Equal(g.Dirs(), want) {
		t.Errorf("got %v", g.Dirs())
	}
	if err := g.Delete(); err != nil {
		t.Error(err)
	}
}

func TestCgroupsOfAnEngineWithoutNamespaceOnV2(t *testing.T) {
	if !inNamespace(t) {
		removeCgroups(t)
		return
	}
	const at = "/sys/fs/cgroup"
	unified := at
	if !exists(unified + "/cgroup.procs") {
		unified = at + "/unified" // beside v1
	}
	if !exists(unified + "/cgroup.procs") {
		t.Skip("needs cgroup v2 at " + unified)
	}
	ownCgroup(t, unified)
	if err := unix.Mount(unified, "/mnt", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("/mnt", at, "", unix.MS_MOVE, ""); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Cgroups(zaptest.NewLogger(t))(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := getFile(t, "/proc/self/cgroup"); !strings.Contains(got, fmt.Sprintf("0::/%s/init\n", testGroup)) {
		t.Errorf("we are in %q", got)
	}
	if got := getFile(t, at+"/"+testGroup+"/init/cgroup.procs"); got != "1\n" {
		t.Errorf("the path of our own group holds %q", got)
	}
	if got := getFile(t, at+"/cgroup.procs"); got != "" {
		t.Errorf("the root holds %q", got)
	}
	tree, err := cgroup.Detect()
	if err != nil {
		t.Fatal(err)
	}
	g, err := tree.New("etcd")
	if err != nil {
		t.Fatal(err)
	}
	if !exists(at + "/dnetinit/etcd/cgroup.type") {
		t.Error("the service's group is not where it should be")
	}
	if err := g.Delete(); err != nil {
		t.Error(err)
	}
}
