package cgroup

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDetect(t *testing.T) {
	type want struct {
		mode        Mode
		controllers string
		dirs        string
	}
	cases := map[string]struct {
		files map[string]string
		want  want
	}{
		"v2 with a cgroup namespace is the root of the mount": {
			files: map[string]string{
				"/proc/self/cgroup":                 "0::/\n",
				"/proc/self/mountinfo":              mountLine(30, "/", "/sys/fs/cgroup", "cgroup2", "nsdelegate"),
				"/sys/fs/cgroup/cgroup.procs":       "1\n",
				"/sys/fs/cgroup/cgroup.type":        "domain\n",
				"/sys/fs/cgroup/cgroup.controllers": "cpu memory pids hugetlb\n",
			},
			want: want{V2, "cpu hugetlb memory pids", "/sys/fs/cgroup"},
		},
		"v2 without a cgroup namespace is below the mount": {
			files: map[string]string{
				"/proc/self/cgroup":                                              "0::/system.slice/docker-x.scope\n",
				"/proc/self/mountinfo":                                           mountLine(30, "/", "/sys/fs/cgroup", "cgroup2", ""),
				"/sys/fs/cgroup/cgroup.procs":                                    "1\n",
				"/sys/fs/cgroup/system.slice/docker-x.scope/cgroup.procs":        "1\n",
				"/sys/fs/cgroup/system.slice/docker-x.scope/cgroup.type":         "domain\n",
				"/sys/fs/cgroup/system.slice/docker-x.scope/cgroup.controllers":  "memory\n",
				"/sys/fs/cgroup/system.slice/docker-x.scope/cgroup.subtree_cont": "",
			},
			want: want{V2, "memory", "/sys/fs/cgroup/system.slice/docker-x.scope"},
		},
		"v2 whose own group is bound over the mount is the mount, from the group init too": {
			files: map[string]string{
				"/proc/self/cgroup": "0::/docker/x/init\n",
				"/proc/self/mountinfo": mountLine(30, "/", "/sys/fs/cgroup", "cgroup2", "") +
					mountLine(31, "/docker/x", "/sys/fs/cgroup", "cgroup2", "") +
					mountLine(32, "/docker/x", "/sys/fs/cgroup/docker/x", "cgroup2", ""),
				"/sys/fs/cgroup/cgroup.procs":          "",
				"/sys/fs/cgroup/cgroup.type":           "domain\n",
				"/sys/fs/cgroup/cgroup.controllers":    "memory\n",
				"/sys/fs/cgroup/init/cgroup.procs":     "1\n",
				"/sys/fs/cgroup/docker/x/cgroup.procs": "",
			},
			want: want{V2, "memory", "/sys/fs/cgroup"},
		},
		"v2 that shows the host's root is not ours": {
			files: map[string]string{
				"/proc/self/cgroup":                 "0::/\n",
				"/proc/self/mountinfo":              mountLine(30, "/", "/sys/fs/cgroup", "cgroup2", ""),
				"/sys/fs/cgroup/cgroup.procs":       "1\n",
				"/sys/fs/cgroup/cgroup.controllers": "memory\n",
			},
			want: want{V2, "", ""},
		},
		"v2 beside the named hierarchy of an old systemd is still v2": {
			files: map[string]string{
				"/proc/self/cgroup": lines("1:name=systemd:/", "0::/"),
				"/proc/self/mountinfo": mountLine(30, "/", "/sys/fs/cgroup", "cgroup2", "") +
					mountLine(31, "/", "/sys/fs/cgroup/systemd", "cgroup", "xattr,name=systemd"),
				"/sys/fs/cgroup/cgroup.procs":         "1\n",
				"/sys/fs/cgroup/cgroup.type":          "domain\n",
				"/sys/fs/cgroup/cgroup.controllers":   "memory\n",
				"/sys/fs/cgroup/systemd/cgroup.procs": "1\n",
			},
			want: want{V2, "memory", "/sys/fs/cgroup"},
		},
		"v1 with docker's mounts of our own group, and cpu with cpuacct": {
			files: map[string]string{
				"/proc/self/cgroup": lines("3:memory:/docker/x", "2:cpu,cpuacct:/docker/x", "1:name=systemd:/docker/x"),
				"/proc/self/mountinfo": mountLine(30, "/docker/x", "/sys/fs/cgroup/memory", "cgroup", "memory") +
					mountLine(31, "/docker/x", "/sys/fs/cgroup/cpu,cpuacct", "cgroup", "cpu,cpuacct") +
					mountLine(32, "/docker/x", "/sys/fs/cgroup/systemd", "cgroup", "xattr,name=systemd"),
				"/sys/fs/cgroup/memory/cgroup.procs":      "1\n",
				"/sys/fs/cgroup/cpu,cpuacct/cgroup.procs": "1\n",
				"/sys/fs/cgroup/systemd/cgroup.procs":     "1\n",
			},
			want: want{V1, "cpu cpuacct memory", "/sys/fs/cgroup/systemd /sys/fs/cgroup/memory /sys/fs/cgroup/cpu,cpuacct"},
		},
		"v1 leaves a controller alone that the engine did not scope": {
			files: map[string]string{
				"/proc/self/cgroup": lines("3:memory:/", "2:pids:/"),
				"/proc/self/mountinfo": mountLine(30, "/", "/sys/fs/cgroup/memory", "cgroup", "memory") +
					mountLine(31, "/", "/sys/fs/cgroup/pids", "cgroup", "pids"),
				"/sys/fs/cgroup/memory/cgroup.procs": "1\n",
				"/sys/fs/cgroup/pids/cgroup.procs":   "1\n",
				"/sys/fs/cgroup/pids/release_agent":  "",
			},
			want: want{V1, "memory", "/sys/fs/cgroup/memory"},
		},
		"v1 leaves a mount alone that shows somebody else's group": {
			files: map[string]string{
				"/proc/self/cgroup":                  lines("3:memory:/docker/x"),
				"/proc/self/mountinfo":               mountLine(30, "/docker/y", "/sys/fs/cgroup/memory", "cgroup", "memory"),
				"/sys/fs/cgroup/memory/cgroup.procs": "1\n",
			},
			want: want{V1, "", ""},
		},
		"hybrid uses v1": {
			files: map[string]string{
				"/proc/self/cgroup": lines("3:memory:/", "0::/"),
				"/proc/self/mountinfo": mountLine(30, "/", "/sys/fs/cgroup/memory", "cgroup", "memory") +
					mountLine(31, "/", "/sys/fs/cgroup/unified", "cgroup2", ""),
				"/sys/fs/cgroup/memory/cgroup.procs":        "1\n",
				"/sys/fs/cgroup/unified/cgroup.procs":       "1\n",
				"/sys/fs/cgroup/unified/cgroup.type":        "domain\n",
				"/sys/fs/cgroup/unified/cgroup.controllers": "hugetlb\n",
			},
			want: want{Hybrid, "memory", "/sys/fs/cgroup/memory"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			root := tree(t, c.files)
			got, err := Options{FS: root}.Detect()
			if err != nil {
				t.Fatal(err)
			}
			dirs := strings.ReplaceAll(strings.Join(got.Dirs(), " "), root, "")
			g := want{got.Mode, strings.Join(got.Controllers(), " "), dirs}
			if d := cmp.Diff(c.want, g, cmp.AllowUnexported(want{})); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestDetectSaysWhatIsWrong(t *testing.T) {
	cases := map[string]struct {
		files map[string]string
		want  string
	}{
		"without /proc/self/cgroup": {nil, "proc/self/cgroup"},
		"without any mount": {map[string]string{
			"/proc/self/cgroup":    "0::/\n",
			"/proc/self/mountinfo": "",
		}, "cannot find a mounted cgroup hierarchy"},
		"with a line that is none": {map[string]string{"/proc/self/cgroup": "nonsense\n"}, `cannot parse "nonsense"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Options{FS: tree(t, c.files)}.Detect()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
		})
	}
}

func TestAPathMayHoldColons(t *testing.T) {
	got, err := parsePaths(strings.NewReader("0::/a:b:c\n"))
	if err != nil || len(got) != 1 || got[0].path != "/a:b:c" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestTheTreeOfThisMachine(t *testing.T) {
	got, err := Detect()
	if err != nil {
		t.Skip(err)
	}
	t.Logf("%s: %v", got.Mode, got.Hierarchies)
}
