package preflight

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for path, content := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// want compares findings with their beginnings as lines, "" for none, and
// looks for a part of the remedy.
func want(t *testing.T, got []Finding, message, remedy string) {
	t.Helper()
	text := Text(got)
	if message == "" && len(got) > 0 || !strings.Contains(text, message) || !strings.Contains(text, remedy) {
		t.Errorf("got %q, want %q and %q", text, message, remedy)
	}
}

func TestPID1(t *testing.T) {
	cases := map[string]struct {
		pid             int
		first           string
		message, remedy string
	}{
		"as it should be":           {1, "dnetinit", "", ""},
		"behind docker-init":        {7, "docker-init", `process 7 and has to be process 1, which is "docker-init"`, "Leave out --init"},
		"behind tini of an image":   {7, "tini", "process 7", "Leave out --init"},
		"with the host's processes": {4711, "systemd", "process 4711", "Leave out --pid=host"},
		"in a script":               {7, "sh", `which is "sh"`, "the container's only command"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := Options{PID: c.pid, FS: tree(t, map[string]string{"/proc/1/comm": c.first + "\n"})}
			want(t, pid1(t.Context(), o), c.message, c.remedy)
		})
	}
}

func TestCapabilities(t *testing.T) {
	cases := map[string]struct {
		status          string
		message, remedy string
		failed          bool
	}{
		"all of them":                 {"CapEff:\t000001ffffffffff\n", "", "", false},
		"all but SYS_RESOURCE":        {"CapEff:\t000001fffeffffff\n", "", "", false},
		"docker's default":            {"CapEff:\t00000000a80425fb\n", "missing: SYS_ADMIN (for mounts and namespaces), NET_ADMIN", "--cap-add SYS_ADMIN --cap-add NET_ADMIN", true},
		"all but what is only useful": {"CapEff:\t000001fbffffffff\n", "warning: missing: SYSLOG", "--cap-add SYSLOG", false},
		"a file without the line":     {"Name:\tx\n", "has no CapEff", "", true},
		"a line that is no number":    {"CapEff:\tx\n", "cannot read the capabilities", "", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			// SYSLOG is 34.
			got := capabilities(t.Context(), Options{FS: tree(t, map[string]string{"/proc/self/status": c.status})})
			if Failed(got) != c.failed {
				t.Errorf("failed %v", Failed(got))
			}
			want(t, got, strings.TrimPrefix(c.message, "warning: "), c.remedy)
		})
	}
}

func TestMountingIsAskedForWithoutDoingIt(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	before, _ := os.ReadFile("/proc/self/mountinfo")
	want(t, mounting(t.Context(), Options{}), "", "")
	if after, _ := os.ReadFile("/proc/self/mountinfo"); string(after) != string(before) {
		t.Errorf("the mounts changed:\n%s", after)
	}
}

func TestMountingWithoutTheCapabilityIsAnError(t *testing.T) {
	if os.Getenv("PREFLIGHT_TEST_INSIDE") == "" {
		if os.Getuid() != 0 {
			t.Skip("needs root")
		}
		c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$")
		c.Env = append(os.Environ(), "PREFLIGHT_TEST_INSIDE=1")
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		c.Dir = "/"
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	want(t, mounting(t.Context(), Options{}), "the container may not mount: operation not permitted", "--privileged")
}

func TestProcSys(t *testing.T) {
	const file = "/proc/sys/net/ipv4/ip_forward"
	t.Run("that can be written is fine", func(t *testing.T) {
		want(t, procSys(t.Context(), Options{FS: tree(t, map[string]string{file: "0\n"})}), "", "")
	})
	t.Run("that is missing is an error", func(t *testing.T) {
		got := procSys(t.Context(), Options{FS: tree(t, nil)})
		want(t, got, file+" can't be written", "systempaths=unconfined")
		if !Failed(got) {
			t.Error("it is none")
		}
	})
	t.Run("that SYS_ADMIN can remount is a warning", func(t *testing.T) {
		got := procSys(t.Context(), Options{FS: tree(t, map[string]string{"/proc/self/status": "CapEff:\t000001ffffffffff\n"})})
		if Failed(got) || len(got) != 1 {
			t.Errorf("got %v", got)
		}
	})
}

func TestCgroups(t *testing.T) {
	v2 := func(controllers string, files map[string]string) map[string]string {
		all := map[string]string{
			"/proc/self/cgroup":                 "0::/\n",
			"/proc/self/mountinfo":              "30 1 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
			"/sys/fs/cgroup/cgroup.procs":       "1\n",
			"/sys/fs/cgroup/cgroup.controllers": controllers + "\n",
		}
		for path, content := range files {
			all[path] = content
		}
		return all
	}
	ours := map[string]string{"/sys/fs/cgroup/cgroup.type": "domain\n"}
	cases := map[string]struct {
		files   map[string]string
		message string
		failed  bool
	}{
		"v2 of our own is fine":              {v2("cpuset cpu io memory pids", ours), "", false},
		"v2 without pids is a warning":       {v2("cpuset cpu memory", ours), "controller pids is missing", false},
		"v2 without memory is a warning":     {v2("cpuset cpu pids", ours), "no cgroup of its own for memory", false},
		"the host's v2 is an error":          {v2("cpuset cpu memory pids", nil), "no cgroup (v2) belongs to this container", true},
		"a container without any is another": {map[string]string{"/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": ""}, "cannot find a mounted cgroup hierarchy", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := cgroups(t.Context(), Options{FS: tree(t, c.files)})
			want(t, got, c.message, "")
			if Failed(got) != c.failed {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestPorts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	got := ports(t.Context(), Options{Listen: map[string]string{taken: "kube-apiserver", "127.0.0.1:0": "etcd", "192.0.2.1:1": "kubelet"}})
	want(t, got, "kube-apiserver can't listen on "+taken+": address already in use", "--network=host")
	want(t, got, "kubelet can't listen on 192.0.2.1:1: cannot assign requested address", "")
	if len(got) != 2 {
		t.Errorf("got %v", got)
	}
}

func TestRoom(t *testing.T) {
	cases := map[string]struct {
		fs      unix.Statfs_t
		message string
		failed  bool
	}{
		"plenty":                    {unix.Statfs_t{Bsize: 4096, Bavail: 1 << 20, Files: 1 << 20, Ffree: 1 << 19}, "", false},
		"no inodes are counted":     {unix.Statfs_t{Bsize: 4096, Bavail: 1 << 20}, "", false},
		"little":                    {unix.Statfs_t{Bsize: 4096, Bavail: 100_000, Files: 1 << 20, Ffree: 1 << 19}, "nearly full: 390 MB", false},
		"none":                      {unix.Statfs_t{Bsize: 4096, Bavail: 0, Files: 1 << 20, Ffree: 1 << 19}, "full: 0 MB are free, 256 MB are needed", true},
		"no inodes":                 {unix.Statfs_t{Bsize: 4096, Bavail: 1 << 20, Files: 1 << 20, Ffree: 3}, "full: 3 inodes", true},
		"read-only, and full of it": {unix.Statfs_t{Bsize: 4096, Flags: unix.ST_RDONLY}, "/d is read-only", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := room("/d", c.fs)
			want(t, got, c.message, "")
			if Failed(got) != c.failed {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestDiskLooksAtWhatIsAboveADirectoryThatIsMissing(t *testing.T) {
	dir := t.TempDir()
	if got := disk(t.Context(), Options{FS: dir, StateDirs: []string{"/a/b", "/a/c"}}); Failed(got) || len(got) > 1 {
		t.Errorf("got %v", got)
	}
}

func TestLayersOnOverlay(t *testing.T) {
	if os.Getenv("PREFLIGHT_TEST_INSIDE") == "" {
		if os.Getuid() != 0 {
			t.Skip("needs root")
		}
		c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		c.Env = append(os.Environ(), "PREFLIGHT_TEST_INSIDE=1")
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	defer unix.Unmount(dir, unix.MNT_DETACH)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"/lower", "/upper", "/work", "/merged"} {
		if err := os.Mkdir(dir+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	options := "lowerdir=" + dir + "/lower,upperdir=" + dir + "/upper,workdir=" + dir + "/work"
	if err := unix.Mount("overlay", dir+"/merged", "overlay", 0, options); err != nil {
		t.Skip(err)
	}
	o := Options{FS: dir, LayerDirs: []string{"/upper", "/merged/not/there"}}
	got := layers(t.Context(), o)
	want(t, got, "warning: : /merged/not/there is on overlay", "--volume /merged/not/there")
	if len(got) != 1 {
		t.Errorf("got %v", got)
	}
	_ = unix.Unmount(dir+"/merged", unix.MNT_DETACH)
}

func TestRunNamesTheCheckOfEachFinding(t *testing.T) {
	got := Run(context.Background(), Options{PID: 7, FS: tree(t, nil)})
	names := map[string]bool{}
	for _, c := range Checks() {
		names[c.Name] = true
		if c.Summary == "" {
			t.Errorf("%s has no summary", c.Name)
		}
	}
	for _, f := range got {
		if !names[f.Check] || f.Message == "" || f.Severity != Error && f.Severity != Warning {
			t.Errorf("%+v", f)
		}
	}
	if !Failed(got) || got[0].Check != "pid1" {
		t.Errorf("got %v", got)
	}
	if want := "error: pid1: dnetinit is process 7"; !strings.HasPrefix(got[0].String(), want) {
		t.Errorf("got %q", got[0])
	}
}
