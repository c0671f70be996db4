package phases

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestChildrenInheritTheLimitOfOpenFiles(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := descriptors(now.Max).Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "ulimit -Sn; ulimit -Hn").Output()
	if f := strings.Fields(string(out)); err != nil || len(f) != 2 || f[0] != f[1] {
		t.Errorf("a child has %q, %v", out, err)
	}
}

func TestAHardLimitThatIsTooLowNamesTheOption(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 256, Max: 512}); err != nil {
		t.Fatal(err)
	}
	err := descriptors(1024).Apply(t.Context())
	if err == nil {
		t.Skip("CAP_SYS_RESOURCE raises it")
	}
	if !strings.Contains(err.Error(), "it is 512") || !strings.Contains(err.Error(), "--ulimit nofile=1024") {
		t.Errorf("got %v", err)
	}
}

func TestLimitsThatCannotBeRaisedNameTheCommandForTheHost(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	bindReadOnly(t, "/proc/sys")
	defer func(was string) { limits[0].Value = was }(limits[0].Value)
	limits[0].Value = "99999999"
	core, seen := observer.New(zap.WarnLevel)
	if err := Limits(zap.New(core))(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, entry := range seen.All() {
		if entry.ContextMap()["run"] == "sysctl -w fs.inotify.max_user_instances=99999999" {
			return
		}
	}
	t.Errorf("no command in %v", seen.All())
}

func bindReadOnly(t *testing.T, path string) {
	t.Helper()
	if err := bind(path, path, 0); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("", path, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}
