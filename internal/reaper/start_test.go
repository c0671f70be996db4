package reaper

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestAChildGetsItsArgumentsEnvironmentAndDirectory(t *testing.T) {
	r := running(t)
	dir := t.TempDir()
	for name, c := range map[string]struct {
		spec Spec
		want string
	}{
		"argv":                              {Spec{Path: "/bin/sh", Args: []string{"other", "-c", `echo "$0 $*"`, "a", "b c"}}, "a b c\n"},
		"argv is the path when it is empty": {Spec{Path: "/bin/pwd", Dir: dir}, dir + "\n"},
		"a program from PATH":               {Spec{Path: "echo", Args: []string{"echo", "hello"}}, "hello\n"},
		"only the given environment":        {Spec{Path: "/usr/bin/env", Env: []string{"A=1", "B=2 3"}}, "A=1\nB=2 3\n"},
		"no environment at all":             {Spec{Path: "/usr/bin/env"}, ""},
		"nothing to read":                   {Spec{Path: "/bin/cat"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := output(t, r, c.spec); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAChildLeadsItsOwnSession(t *testing.T) {
	r := running(t)
	got, p := output(t, r, Spec{Path: "/bin/cat", Args: []string{"cat", "/proc/self/stat"}})
	stat := strings.Fields(got) // pid, name, state, parent, group, session
	pid := fmt.Sprint(p.PID())
	if want := []string{pid, fmt.Sprint(os.Getpid()), pid, pid}; !cmp.Equal([]string{stat[0], stat[3], stat[4], stat[5]}, want) {
		t.Errorf("got %s, want pid, parent, group, session %v", got, want)
	}
}

func TestExtraFilesComeAsDescriptorsFromThreeOn(t *testing.T) {
	r := running(t)
	var files []*os.File
	for _, text := range []string{"three", "four"} {
		name := filepath.Join(t.TempDir(), text)
		if err := os.WriteFile(name, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	s := shell("cat <&3; cat <&4")
	s.ExtraFiles = files
	if got, _ := output(t, r, s); got != "three\nfour\n" {
		t.Errorf("got %q", got)
	}
}

func TestAClosedExtraFileIsAnError(t *testing.T) {
	r := running(t)
	f, _ := pipe(t)
	f.Close()
	s := shell(":")
	s.ExtraFiles = []*os.File{f}
	if _, err := r.Start(s); err == nil || !strings.Contains(err.Error(), "cannot pass descriptor 3") {
		t.Errorf("got %v", err)
	}
}

// dockerd's socket is listened on here, too, until somebody connects.
func TestAPassedListenerStillWorksHere(t *testing.T) {
	r := running(t)
	path := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file, err := listener.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := shell(`echo "$LISTEN_PID $LISTEN_FDS ${LISTEN_FDNAMES-none} $0 $*"; readlink /proc/$$/fd/3`)
	s.Args = append(s.Args, "zero", "a b", "$c")
	s.Env = []string{"LISTEN_PID=1", "LISTEN_FDNAMES=stale", "PATH=" + os.Getenv("PATH")}
	s.ListenFDs = true
	s.ExtraFiles = []*os.File{file}
	got, p := output(t, r, s)
	if want := fmt.Sprintf("%d 1 none zero a b $c\nsocket:", p.PID()); !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	// A blocking Accept would know no deadline.
	if err := listener.(*net.UnixListener).SetDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := listener.Accept(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Accept: %v", err)
	}
}

func TestWhatCannotBeStartedIsNamed(t *testing.T) {
	r := running(t)
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	script := filepath.Join(dir, "script")
	busy := filepath.Join(dir, "busy")
	for name, mode := range map[string]os.FileMode{plain: 0o600, script: 0o700, busy: 0o700} {
		if err := os.WriteFile(name, []byte("#!/nowhere/interpreter\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	open, err := os.OpenFile(busy, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for name, c := range map[string]struct {
		spec Spec
		want error
	}{
		"no such program":       {Spec{Path: "/nowhere/program"}, unix.ENOENT},
		"nothing in PATH":       {Spec{Path: "no-such-program"}, nil},
		"not executable":        {Spec{Path: plain}, unix.EACCES},
		"no interpreter":        {Spec{Path: script}, unix.ENOENT},
		"open for writing":      {Spec{Path: busy}, unix.ETXTBSY},
		"no directory":          {Spec{Path: "/bin/true", Dir: "/nowhere"}, unix.ENOENT},
		"no cgroup":             {Spec{Path: "/bin/true", Cgroups: []string{"/nowhere/group"}}, unix.ENOENT},
		"not a cgroup":          {Spec{Path: "/bin/true", CgroupFD: int(open.Fd())}, unix.EBADF},
		"no program for socket": {Spec{Path: "/nowhere/program", ListenFDs: true}, unix.ENOENT},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := r.Start(c.spec)
			if p != nil || err == nil {
				t.Fatalf("got %v, %v", p, err)
			}
			if prefix := "cannot start " + c.spec.Path + ": "; !strings.HasPrefix(err.Error(), prefix) {
				t.Errorf("%q does not begin with %q", err, prefix)
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	until(t, "no zombie left", func() bool {
		pid, err := peek(unix.P_ALL, 0)
		return pid == 0 && err == nil
	})
}

func TestNoDescriptorIsLeaked(t *testing.T) {
	r := running(t)
	count := func() int {
		fds, err := namesIn("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(fds)
	}
	exitOfProcess(t, start(t, r, Spec{Path: "/bin/true"})) // what is opened once is open now
	before := count()
	for range 50 {
		exitOfProcess(t, start(t, r, Spec{Path: "/bin/true"}))
		if _, err := r.Start(Spec{Path: "/nowhere"}); err == nil {
			t.Fatal("started /nowhere")
		}
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// field returns one line of /proc/PID/status.
func field(t *testing.T, status, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `:\s*(.*)$`).FindStringSubmatch(status)
	if m == nil {
		t.Fatalf("no %s in %q", name, status)
	}
	return m[1]
}

// readAll reads a pipe whose other end is elsewhere.
func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
