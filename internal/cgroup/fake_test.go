package cgroup

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be the processes that are put into groups.
func TestMain(m *testing.M) {
	switch os.Getenv("CGROUP_TEST_CHILD") {
	case "":
		goleak.VerifyTestMain(m)
	case "idle":
		fmt.Println("here")
		_ = unix.Pause()
	case "family":
		// One that ignores SIGTERM and has children and grandchildren.
		for range 3 {
			c := exec.Command("/bin/sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000 & wait; wait; sleep 1000")
			if err := c.Start(); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
		fmt.Println("here")
		_ = unix.Pause()
	}
}

// child starts this binary in a role and returns once it is up. It is killed
// and waited for at the end of the test.
func child(t *testing.T, role string, attr *syscall.SysProcAttr) *exec.Cmd {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), "CGROUP_TEST_CHILD="+role)
	c.Stderr = os.Stderr
	c.SysProcAttr = attr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "here\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return c
}

// tree makes files below a directory that stands for "/".
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

// mountLine is a line of mountinfo.
func mountLine(id int, root, at, fstype, options string) string {
	return fmt.Sprintf("%d 1 0:%d %s %s rw,relatime - %s %s rw,%s\n", id, id, root, at, fstype, fstype, options)
}

// real returns a tree whose one directory per v1 controller is new and real.
func realV1(t *testing.T) *Tree {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	tree, err := Options{HostRoot: true, Base: fmt.Sprintf("dnetinit-test-%d", os.Getpid())}.Detect()
	if err != nil || tree.Mode == V2 {
		t.Skipf("needs cgroup v1: %v", err)
	}
	t.Cleanup(func() {
		tree.Sweep()
		for _, dir := range tree.Dirs() {
			if exists(filepath.Join(dir, tree.options.Base)) {
				t.Errorf("%s is left behind in %s", tree.options.Base, dir)
			}
		}
	})
	return tree
}

// realV2 returns a tree whose own group is a new one of the kernel's v2
// hierarchy, with a controller if one is free for v2.
func realV2(t *testing.T) (*Tree, string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	mount := ""
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if exists(filepath.Join(dir, "cgroup.controllers")) {
			mount = dir
		}
	}
	if mount == "" {
		t.Skip("needs a cgroup v2 mount")
	}
	for _, c := range missingControllers(mount) {
		if enable(mount, c) == nil {
			t.Cleanup(func() { _ = write(filepath.Join(mount, "cgroup.subtree_control"), "-"+c) })
		}
	}
	name := fmt.Sprintf("dnetinit-test-%d", os.Getpid())
	own := filepath.Join(mount, name)
	if err := os.Mkdir(own, 0o755); err != nil {
		t.Skipf("needs a writable cgroup v2: %v", err)
	}
	t.Cleanup(func() {
		if err := removeAll(own); err != nil {
			t.Errorf("cannot remove %s: %v", own, err)
		}
	})
	fs := tree(t, map[string]string{
		"/proc/self/cgroup":    "0::/" + name + "\n",
		"/proc/self/mountinfo": mountLine(30, "/", "/sys/fs/cgroup", "cgroup2", "nsdelegate"),
		"/sys/fs/x":            "",
	})
	if err := os.Symlink(mount, filepath.Join(fs, "sys/fs/cgroup")); err != nil {
		t.Fatal(err)
	}
	tree, err := Options{FS: fs}.Detect()
	if err != nil {
		t.Fatal(err)
	}
	return tree, own
}

func lines(s ...string) string { return strings.Join(s, "\n") + "\n" }
