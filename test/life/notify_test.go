package life

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

// An engine such as podman gives its container a NOTIFY_SOCKET.
func TestReadinessGoesToTheEnginesNotifySocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	c := booted(t, "--volume="+dir+":/notify", "--env=NOTIFY_SOCKET=/notify/notify")
	expect(t, socket, "READY=1")
	stop(t, c, "stop")
	expect(t, socket, "STOPPING=1")
	if path := rig.Docker(t.Context(), "logs", c.Name).Output(); strings.Contains(path, "cannot notify") {
		t.Error(path)
	}
}

// expect reads messages until one holds the line.
func expect(t *testing.T, socket *net.UnixConn, line string) {
	t.Helper()
	buffer := make([]byte, 4096)
	socket.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		n, err := socket.Read(buffer)
		if err != nil {
			t.Fatalf("no %s: %v", line, err)
		}
		for got := range strings.Lines(string(buffer[:n])) {
			if strings.TrimSpace(got) == line {
				return
			}
		}
	}
}
