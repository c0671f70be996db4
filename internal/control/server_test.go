package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

func TestTheSocketIsForRootAlone(t *testing.T) {
	socket := serve(t, boot(t))
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v", info.Mode(), err)
	}
}

func TestWhoIsNotAllowedGetsNoAnswer(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can connect as somebody else")
	}
	socket := serve(t, boot(t))
	// As if the socket were shared by a careless mount.
	if err := errors.Join(os.Chmod(socket, 0o666), os.Chmod(filepath.Dir(socket), 0o755)); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	answer := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlocked, so that the thread ends with its user
		if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody); e != 0 {
			answer <- "cannot become nobody: " + e.Error()
			return
		}
		c, err := net.Dial("unix", socket)
		if err != nil {
			answer <- "cannot connect: " + err.Error()
			return
		}
		defer c.Close()
		fmt.Fprint(c, "GET /v1/version HTTP/1.0\r\n\r\n")
		data, _ := io.ReadAll(c)
		answer <- string(data)
	}()
	if got := <-answer; got != "" {
		t.Errorf("got %q", got)
	}
}

func TestListen(t *testing.T) {
	t.Run("takes the place of a socket that nobody serves", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "deep", "s")
		first, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		// A predecessor that was killed closes nothing.
		first.(*guarded).UnixListener.Close()
		second, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := second.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
		}
	})
	t.Run("leaves a socket alone that is served", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		first, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another dnetinit") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("names the path that it cannot use", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(filepath.Join(file, "s")); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("got %v", err)
		}
	})
}

// ask writes text to the socket as it is and returns what comes back.
func ask(t *testing.T, socket, text string) string {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go io.WriteString(c, text) // the server may answer before it has read all
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(line)
}

func TestRequestsThatAreTooMuchAreRefused(t *testing.T) {
	socket := serve(t, boot(t))
	tests := []struct{ name, request, want string }{
		{"a header of 1 MB", "GET /v1/status HTTP/1.1\r\nHost: d\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", "431"},
		{"a body of 1 MB", "POST /v1/services/etcd/start HTTP/1.1\r\nHost: d\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<20), "413"},
		{"a method that is not in the table", "DELETE /v1/services/etcd/start HTTP/1.1\r\nHost: d\r\n\r\n", "404"},
		{"what is no HTTP", "hello\r\n\r\n", "400"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ask(t, socket, tt.request); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want status %s", got, tt.want)
			}
			if _, err := connect1(t, socket).Versions(soon(t)); err != nil {
				t.Errorf("the next client is not answered: %v", err)
			}
		})
	}
}

func connect1(t testing.TB, socket string) *Client {
	c := NewClient(socket)
	t.Cleanup(c.Close)
	return c
}

func TestASmallBodyIsIgnored(t *testing.T) {
	socket := serve(t, boot(t))
	got := ask(t, socket, "POST /v1/services/etcd/start HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\n\r\n{}")
	if !strings.Contains(got, "200") {
		t.Errorf("got %q", got)
	}
}

func TestTheStreamsAreBounded(t *testing.T) {
	s := NewServer(boot(t), nil, zap.NewNop())
	for range maxStreams {
		s.streams <- struct{}{}
	}
	w := &recorder{header: http.Header{}}
	req, _ := http.NewRequest("GET", "/v1/events", nil)
	s.routes().ServeHTTP(w, req)
	if !strings.Contains(w.String(), `"code":503`) {
		t.Errorf("got %s", w.String())
	}
	w = &recorder{header: http.Header{}}
	req, _ = http.NewRequest("GET", "/v1/status", nil)
	s.routes().ServeHTTP(w, req)
	if !strings.Contains(w.String(), `"units"`) {
		t.Errorf("status is not answered any more: %s", w.String())
	}
}

func TestAClientThatDoesNotReadHoldsUpNobody(t *testing.T) {
	e := boot(t)
	socket := serve(t, e)
	slow, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprint(slow, "GET /v1/events HTTP/1.1\r\nHost: d\r\n\r\n")
	if _, err := slow.Read(make([]byte, 1)); err != nil { // the stream has begun
		t.Fatal(err)
	}
	for range 2000 {
		e.To("etcd", "starting")
		e.To("etcd", "backoff")
	}
	if _, err := connect1(t, socket).Snapshot(soon(t)); err != nil {
		t.Error(err)
	}
}

func TestServeEndsTheStreams(t *testing.T) {
	e := boot(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(soon(t))
	done := make(chan error)
	go func() { done <- NewServer(e, nil, zap.NewNop()).Serve(ctx, l) }()
	err = connect1(t, path).Wait(soon(t), "ready", func(Progress) error {
		cancel()
		return nil
	})
	if !errors.Is(err, ErrBroken) {
		t.Errorf("the waiter got %v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAClientSaysWhyItCannotConnect(t *testing.T) {
	dir := t.TempDir()
	dead := filepath.Join(dir, "dead")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for _, path := range []string{filepath.Join(dir, "nothing"), dead} {
		_, err := connect1(t, path).Snapshot(soon(t))
		if !errors.Is(err, ErrNoSocket) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}
