package notify

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// sendTimeout is how long a full queue of the receiver may hold us up.
const sendTimeout = time.Second

// Send tells addr, which is somebody's NOTIFY_SOCKET, each state in one
// datagram: Send(addr, "READY=1", "STATUS=All is up"). Podman, among others,
// passes such a socket into a container. addr is an absolute path or "@" and
// the name of an abstract socket. Nobody is told if addr is "".
func Send(addr string, state ...string) error {
	if addr == "" {
		return nil
	}
	if err := send(addr, strings.Join(state, "\n")); err != nil {
		return fmt.Errorf("cannot notify %s: %w", addr, err)
	}
	return nil
}

func send(addr, text string) error {
	if addr[0] != '/' && addr[0] != '@' {
		return fmt.Errorf("neither an absolute path nor the name of an abstract socket")
	}
	// Package net takes a leading @ as an abstract name, too.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: addr, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(text))
	return err
}
