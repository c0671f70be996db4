package notify

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func anybody(int) bool { return true }

// listening returns a socket that is closed after the test.
func listening(t *testing.T, allowed func(int) bool) *Socket {
	t.Helper()
	s, err := Listen(t.TempDir(), "etcd", allowed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func send1(t *testing.T, addr string, state ...string) {
	t.Helper()
	if err := Send(addr, state...); err != nil {
		t.Fatal(err)
	}
}

// next returns the next message.
func next(t *testing.T, s *Socket) Message {
	t.Helper()
	select {
	case m, open := <-s.Messages():
		if !open {
			t.Fatal("the socket is closed")
		}
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("no message came")
	}
	panic("unreachable")
}

func TestDatagramsAreRead(t *testing.T) {
	s := listening(t, anybody)
	for name, c := range map[string]struct {
		state []string
		want  Message
	}{
		"ready":                {[]string{"READY=1"}, Message{Ready: true}},
		"stopping":             {[]string{"STOPPING=1"}, Message{Stopping: true}},
		"reloading":            {[]string{"RELOADING=1", "MONOTONIC_USEC=12"}, Message{Reloading: true}},
		"watchdog":             {[]string{"WATCHDOG=1"}, Message{Watchdog: true}},
		"status":               {[]string{"STATUS=a=b, c"}, Message{Status: "a=b, c"}},
		"main pid":             {[]string{"MAINPID=42"}, Message{MainPID: 42}},
		"several lines":        {[]string{"READY=1", "STATUS=up", "MAINPID=7"}, Message{Ready: true, Status: "up", MainPID: 7}},
		"a newline at last":    {[]string{"READY=1", ""}, Message{Ready: true}},
		"unknown lines":        {[]string{"FOO=1", "READY=1", "X_BAR"}, Message{Ready: true}},
		"a hostile status":     {[]string{"STATUS=\x1b[2Jq\xff\u009bx"}, Message{Status: "[2Jq\ufffdx"}},
		"a broken main pid":    {[]string{"MAINPID=-1", "READY=1"}, Message{Ready: true}},
		"not ready is no news": {[]string{"READY=0", "WATCHDOG=1"}, Message{Watchdog: true}},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.PID = os.Getpid()
			send1(t, s.Path(), c.state...)
			if diff := cmp.Diff(c.want, next(t, s)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestNewsAreNotSupersededByNoNews(t *testing.T) {
	for name, c := range map[string]struct{ first, later, want Message }{
		"ready stays":             {Message{Ready: true, PID: 1}, Message{Watchdog: true, PID: 2}, Message{Ready: true, Watchdog: true, PID: 2}},
		"watchdog stays":          {Message{Watchdog: true}, Message{Ready: true}, Message{Ready: true, Watchdog: true}},
		"the later status counts": {Message{Status: "a"}, Message{Status: "b"}, Message{Status: "b"}},
		"a status stays":          {Message{Status: "a", MainPID: 3}, Message{Ready: true}, Message{Ready: true, Status: "a", MainPID: 3}},
		"reloading after ready":   {Message{Ready: true}, Message{Reloading: true}, Message{Reloading: true}},
		"ready after reloading":   {Message{Reloading: true}, Message{Ready: true}, Message{Ready: true}},
		"stopping after ready":    {Message{Ready: true}, Message{Stopping: true}, Message{Stopping: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.first.then(c.later)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestReadyIsNotLostWhenNobodyReads(t *testing.T) {
	s := listening(t, anybody)
	send1(t, s.Path(), "READY=1")
	for range 1000 { // many more than a socket's queue has room for
		send1(t, s.Path(), "WATCHDOG=1")
	}
	send1(t, s.Path(), "STATUS=last")
	var m Message
	for m.Status != "last" {
		m = m.then(next(t, s))
	}
	if want := (Message{Ready: true, Watchdog: true, Status: "last", PID: os.Getpid()}); m != want {
		t.Errorf("got %+v, want %+v", m, want)
	}
}

func TestReadyFromAStrangerIsIgnored(t *testing.T) {
	asked := make(chan int, 10)
	s := listening(t, func(pid int) bool {
		asked <- pid
		return pid == os.Getpid()
	})
	stranger := exec.Command("/proc/self/exe", "-test.run=^TestStranger$", "-test.count=1")
	stranger.Env = append(os.Environ(), "NOTIFY_TEST_ADDR="+s.Path())
	if out, err := stranger.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if pid := <-asked; pid != stranger.Process.Pid {
		t.Errorf("asked about %d, want %d", pid, stranger.Process.Pid)
	}
	send1(t, s.Path(), "STATUS=hello")
	if got, want := next(t, s), (Message{Status: "hello", PID: os.Getpid()}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestStranger is the other process of TestReadyFromAStrangerIsIgnored.
func TestStranger(t *testing.T) {
	addr := os.Getenv("NOTIFY_TEST_ADDR")
	if addr == "" {
		t.Skip("it is the other process of another test")
	}
	send1(t, addr, "READY=1")
}

func TestTooLongADatagramIsIgnored(t *testing.T) {
	s := listening(t, anybody)
	send1(t, s.Path(), "READY=1", "STATUS="+strings.Repeat("x", maxDatagram))
	send1(t, s.Path(), "WATCHDOG=1")
	if m := next(t, s); m.Ready || !m.Watchdog {
		t.Errorf("got %+v", m)
	}
}

// sd_notify_barrier waits until the descriptor that it sent is closed.
func TestPassedDescriptorsAreClosed(t *testing.T) {
	s := listening(t, func(int) bool { return false })
	conn, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(conn)
	for _, fds := range []int{1, 3, maxFDs} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var rights []int
		for range fds {
			rights = append(rights, int(w.Fd()))
		}
		to := &unix.SockaddrUnix{Name: s.Path()}
		if err := unix.Sendmsg(conn, []byte("BARRIER=1"), unix.UnixRights(rights...), to, 0); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if err := r.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
			t.Errorf("with %d descriptors: read %d, %v; want the end", fds, n, err)
		}
	}
}

func TestListenReplacesWhatAnEarlierRunLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "notify")
	first, err := Listen(dir, "a", anybody)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := Listen(dir, "a", anybody) // as if the first had been killed
	if err != nil {
		t.Fatal(err)
	}
	send1(t, second.Path(), "READY=1")
	if !next(t, second).Ready {
		t.Error("not ready")
	}
	second.Close()
	if _, err := os.Lstat(second.Path()); !os.IsNotExist(err) {
		t.Errorf("the path is still there: %v", err)
	}
	if _, open := <-second.Messages(); open {
		t.Error("a message after Close")
	}
}

func TestWhatCannotBeListenedOnIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ dir, want string }{
		"a path that is too long":       {"/tmp/" + strings.Repeat("x", 120), "has 133 bytes, more than the 107"},
		"a file instead of a directory": {file, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Listen(c.dir, "ab", anybody)
			if err == nil || !strings.HasPrefix(err.Error(), "cannot listen for notifications of ab: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSendReachesAnAbstractSocket(t *testing.T) {
	name := "@notify-test-" + filepath.Base(t.TempDir()) + "-" + t.Name()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send1(t, name, "READY=1", "STATUS=up")
	buf := make([]byte, 100)
	n, err := conn.Read(buf)
	if err != nil || string(buf[:n]) != "READY=1\nSTATUS=up" {
		t.Errorf("got %q, %v", buf[:n], err)
	}
}

func TestSendSaysWhatWentWrong(t *testing.T) {
	for addr, want := range map[string]string{
		"":                 "",
		"relative":         "cannot notify relative: neither",
		"vsock:2:1":        "cannot notify vsock:2:1: neither",
		"/nowhere/at/all":  "cannot notify /nowhere/at/all: ",
		"@nobody/is/there": "cannot notify @nobody/is/there: ",
	} {
		err := Send(addr, "READY=1")
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", addr, err, want)
		}
	}
}
