package phases

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
	"go.uber.org/zap/zaptest"
	"golang.org/x/sys/unix"
)

// mounted is what is mounted at a path, the topmost of a pile.
func mounted(t *testing.T, path string) *mountinfo.Info {
	t.Helper()
	infos, err := mountinfo.GetMounts(mountinfo.ParentsFilter(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range slices.Backward(infos) {
		if m.Mountpoint == path {
			return m
		}
	}
	return &mountinfo.Info{}
}

func TestMountsAreMadeAndMadeAgain(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	mountTmpfs(t, "/dev") // an engine's
	// The engine without every capability: /sys is read-only.
	if err := unix.Mount("/sys", "/sys", "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/sys", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOEXEC, ""); err != nil {
		t.Fatal(err)
	}
	log := zaptest.NewLogger(t)
	if err := Early(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	putFile(t, "/run/dnetinit/early", "a socket of PID 1")
	for range 2 {
		if err := Mounts(log)(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if getFile(t, "/run/dnetinit/early") == "" {
		t.Error("/run was hidden by another mount")
	}
	for path, want := range map[string]string{"/run": "tmpfs", "/tmp": "tmpfs", "/dev/mqueue": "mqueue"} {
		if got := mounted(t, path).FSType; got != want {
			t.Errorf("%q is mounted on %s, want %q", got, path, want)
		}
	}
	if info, err := os.Stat("/tmp"); err != nil || info.Mode()&(os.ModeSticky|0o777) != os.ModeSticky|0o777 {
		t.Errorf("/tmp: %v %v", info.Mode(), err)
	}
	options := strings.Split(mounted(t, "/sys").Options, ",")
	if !slices.Contains(options, "rw") || !slices.Contains(options, "noexec") {
		t.Errorf("/sys is %v", options)
	}
	if o := mounted(t, "/").Optional; !strings.Contains(o, "shared:") {
		t.Errorf("/ is %q, want it shared", o)
	}
	if err := (device{path: "/dev/kmsg", major: 1, minor: 11}).open(); err != nil {
		t.Error(err)
	}
}

func TestTmpfsKeepsWhatIsMountedBelow(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	base := "/mnt/dnetinit-test"
	mountTmpfs(t, "/mnt")
	putFile(t, "/mnt/volume/deep/file", "volume")
	mountTmpfs(t, "/mnt/volume/deep/inner")
	putFile(t, "/mnt/volume/deep/inner/file", "inner")
	putFile(t, "/mnt/agent", "socket")
	putFile(t, base+"/old", "hidden")
	if err := bind("/mnt/volume", base+"/a/volume", unix.MS_REC); err != nil {
		t.Fatal(err)
	}
	if err := bind("/mnt/agent", base+"/agent.sock", 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", base+"/agent.sock", "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}

	step := tmpfs{path: base, options: "mode=755"}
	for range 2 {
		if err := step.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if m := mounted(t, base); m.FSType != "tmpfs" {
		t.Errorf("no tmpfs: %+v", m)
	}
	for path, want := range map[string]string{"/a/volume/deep/file": "volume", "/a/volume/deep/inner/file": "inner", "/agent.sock": "socket"} {
		if got := getFile(t, base+path); got != want {
			t.Errorf("%s holds %q, want %q", path, got, want)
		}
	}
	if _, err := os.Stat(base + "/old"); !os.IsNotExist(err) {
		t.Errorf("what was there is still seen: %v", err)
	}
	if err := os.WriteFile(base+"/agent.sock", nil, 0); !errors.Is(err, unix.EROFS) {
		t.Errorf("read-only was lost: %v", err)
	}
	if stages, _ := filepath.Glob("/.dnetinit-stage-*"); len(stages) > 0 {
		t.Errorf("%v is left", stages)
	}
}

func TestTmpfsLeavesTheUsersOwn(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	mountTmpfs(t, "/mnt")
	putFile(t, "/mnt/file", "the user's")
	if err := (tmpfs{path: "/mnt", options: "mode=755"}).Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if getFile(t, "/mnt/file") != "the user's" {
		t.Error("it is hidden")
	}
}

func TestDeviceReplacesWhatIsNotReal(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	cases := map[string]func(path string){
		"nothing":              func(string) {},
		"a link to a console":  func(p string) { _ = os.Symlink("/dev/console", p) },
		"a plain file":         func(p string) { putFile(t, p, "x") },
		"another device":       func(p string) { _ = unix.Mknod(p, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) },
		"a mount of something": func(p string) { putFile(t, p, ""); _ = unix.Mount("/dev/null", p, "", unix.MS_BIND, "") },
		"the device itself":    func(p string) { _ = unix.Mknod(p, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 11))) },
	}
	for name, prepare := range cases {
		t.Run(name, func(t *testing.T) {
			mountTmpfs(t, "/mnt")
			prepare("/mnt/kmsg")
			d := device{path: "/mnt/kmsg", major: 1, minor: 11, mode: 0o644}
			for range 2 {
				if err := d.Apply(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if !d.real() {
				t.Error("it is not the device")
			}
			if left, _ := filepath.Glob("/mnt/*"); len(left) != 1 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestADeviceThatIsForbiddenSaysWhatToDo(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	if err := unix.Mount("tmpfs", "/mnt", "tmpfs", unix.MS_NODEV, ""); err != nil {
		t.Fatal(err)
	}
	err := device{path: "/mnt/kmsg", major: 1, minor: 11, mode: 0o644}.Apply(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cannot open /mnt/kmsg") {
		t.Errorf("got %v", err)
	}
}

func TestModulesThatTheKernelShowsAreNotLoaded(t *testing.T) {
	sys := t.TempDir()
	putFile(t, sys+"/overlay/version", "")
	if got := (modules{"overlay", "br_netfilter"}).missing(sys); !slices.Equal(got, []string{"br_netfilter"}) {
		t.Errorf("got %v", got)
	}
}

type failing struct{ name string }

func (f failing) String() string              { return f.name }
func (f failing) Apply(context.Context) error { return errors.New("no way") }

func TestApplyNamesTheStepThatFails(t *testing.T) {
	dir := t.TempDir()
	after := directory{path: dir + "/after", mode: 0o755}
	err := apply(t.Context(), zaptest.NewLogger(t), optional{failing{"may"}}, failing{"must"}, after)
	if err == nil || err.Error() != "must: no way" {
		t.Errorf("got %v", err)
	}
	if exists(after.path) {
		t.Error("it went on")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped"))
	if err := apply(ctx, zaptest.NewLogger(t), after); err == nil || err.Error() != "stopped" {
		t.Errorf("got %v", err)
	}
}

func TestLinkIsChangedInOneGo(t *testing.T) {
	path := t.TempDir() + "/iptables"
	for _, target := range []string{"/usr/sbin/iptables-nft", "/usr/sbin/iptables-legacy", "/usr/sbin/iptables-legacy"} {
		if err := (link{path, target}).Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.Readlink(path); got != target {
			t.Errorf("it leads to %s", got)
		}
	}
	if err := (link{"/nowhere/x", "y"}).Apply(t.Context()); err == nil || !strings.Contains(err.Error(), "/nowhere/x") {
		t.Errorf("got %v", err)
	}
}

func staleSocket(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
}

func TestWhatIsPrivateIsForRootAloneAndNeedNotBeThere(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "nowhere")} {
		if err := (private{path}).Apply(t.Context()); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}
