package phases

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/zap/zaptest"
	"golang.org/x/sys/unix"
)

func TestSweepRemovesWhatIsStaleAndNothingElse(t *testing.T) {
	root := t.TempDir()
	stale := []string{"/run/docker.pid", "/run/containerd/containerd.pid", "/run/netns/cni-1", "/run/cni/pods/10.244.0.9",
		"/var/lib/cni/networks/dnetinit/10.244.0.7", "/var/lib/cni/networks/dnetinit/fd00::7"}
	kept := []string{"/run/dnetinit/early", "/var/lib/cni/networks/dnetinit/lock",
		"/var/lib/cni/networks/dnetinit/last_reserved_ip.0", "/var/lib/kubelet/plugins_registry/notes.sock",
		"/var/lib/kubelet/pods/x/volumes/data", "/run/containerd/notes", "/run/cni/pods/last_reserved_ip.0"}
	for _, path := range append(stale, kept...) {
		putFile(t, root+path, "x")
	}
	staleSockets := []string{"/run/containerd/containerd.sock", "/run/containerd/containerd.sock.ttrpc", "/run/containerd/s/0a1b", "/var/lib/kubelet/device-plugins/kubelet.sock"}
	keptSockets := []string{"/run/dnetinit/dnetinit.sock", "/run/docker.sock"}
	for _, path := range append(staleSockets, keptSockets...) {
		staleSocket(t, root+path)
	}
	for range 2 {
		if err := apply(t.Context(), zaptest.NewLogger(t), sweepSteps(root)...); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range append(stale, staleSockets...) {
		if exists(root + path) {
			t.Errorf("%s is still there", path)
		}
	}
	for _, path := range append(kept, keptSockets...) {
		if !exists(root + path) {
			t.Errorf("%s is gone", path)
		}
	}
}

// A pid file may name somebody who has that number by now, such as this test.
func TestSweepRemovesAPidFileAndLeavesTheOneItNamesAlone(t *testing.T) {
	root := t.TempDir()
	stranger := exec.Command("sleep", "600")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	putFile(t, root+"/run/docker.pid", strconv.Itoa(stranger.Process.Pid))
	if err := apply(t.Context(), zaptest.NewLogger(t), sweepSteps(root)...); err != nil {
		t.Fatal(err)
	}
	if exists(root + "/run/docker.pid") {
		t.Error("the pid file is still there")
	}
	// Had it been told to end, this would come after that.
	if err := stranger.Process.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if err := stranger.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the stranger ended by itself: %v", err)
	}
}

func TestSweepOfANewContainerFindsNothing(t *testing.T) {
	if err := apply(t.Context(), zaptest.NewLogger(t), sweepSteps(t.TempDir())...); err != nil {
		t.Error(err)
	}
}

func TestSweepUnmountsPilesBelowButNotTheDirectory(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	const pods = "/mnt/var/lib/kubelet/pods"
	mountTmpfs(t, "/mnt")
	mountTmpfs(t, pods)
	for _, path := range []string{"/a/volume", "/a/volume", "/a/volume/deep", "/b"} {
		mountTmpfs(t, pods+path)
	}
	putFile(t, "/mnt/ns", "")
	if err := bind("/mnt/ns", "/mnt/run/netns/cni-1", 0); err != nil {
		t.Fatal(err)
	}
	if err := apply(t.Context(), zaptest.NewLogger(t), sweepSteps("/mnt")...); err != nil {
		t.Fatal(err)
	}
	if below, err := mountsBelow(pods); err != nil || len(below) > 0 {
		t.Errorf("%v are mounted, %v", below, err)
	}
	if mounted(t, pods).FSType != "tmpfs" {
		t.Error("the directory itself was unmounted")
	}
	if exists("/mnt/run/netns/cni-1") {
		t.Error("the namespace's file is there")
	}
}

func TestAFileThatCannotBeRemovedIsNamed(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	mountTmpfs(t, "/mnt")
	putFile(t, "/mnt/a.pid", "")
	if err := unix.Mount("", "/mnt", "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	err := gone{"/mnt/*.pid", os.FileMode.IsRegular}.Apply(t.Context())
	if err == nil || err.Error() != "cannot remove the stale /mnt/a.pid: remove /mnt/a.pid: read-only file system" {
		t.Errorf("got %v", err)
	}
}
