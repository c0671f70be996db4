package notify

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// maxDatagram is what systemd reads as well (PIPE_BUF).
	maxDatagram = 4096
	// maxPath is the longest path that fits into a sockaddr_un, with its NUL.
	maxPath = 107
	// maxFDs is the most that the kernel lets one message carry.
	maxFDs = 253
)

// Socket is where one service sends its notifications. It outlives restarts of
// the service.
type Socket struct {
	path     string
	conn     *net.UnixConn
	allowed  func(pid int) bool
	messages chan Message
	ended    chan struct{}
}

// Listen makes the socket dir/name.sock, and dir if there is none. What an
// earlier run left at that path is removed. Datagrams of a sender whose pid is
// not allowed are ignored; allowed is called from another goroutine.
func Listen(dir, name string, allowed func(pid int) bool) (*Socket, error) {
	path := filepath.Join(dir, name+".sock")
	s := &Socket{path: path, allowed: allowed, messages: make(chan Message, 1), ended: make(chan struct{})}
	if err := s.listen(); err != nil {
		return nil, fmt.Errorf("cannot listen for notifications of %s: %w", name, err)
	}
	go func() {
		defer close(s.ended)
		s.run()
	}()
	return s, nil
}

func (s *Socket) listen() error {
	if len(s.path) > maxPath {
		return fmt.Errorf("path %s has %d bytes, more than the %d that a socket's may have", s.path, len(s.path), maxPath)
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(s.path); err != nil && !os.IsNotExist(err) {
		return err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path, Net: "unixgram"})
	if err != nil {
		return err
	}
	// From here on the kernel adds the sender's pid to each datagram, also to
	// those that wait in the queue; nobody knows the path yet.
	raw, err := conn.SyscallConn()
	if err == nil {
		var set error
		err = raw.Control(func(fd uintptr) {
			set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
		})
		if err == nil {
			err = set
		}
	}
	if err != nil {
		conn.Close()
		return fmt.Errorf("cannot ask for the senders' pids: %w", err)
	}
	s.conn = conn
	return nil
}

// Path is what the service needs as NOTIFY_SOCKET.
func (s *Socket) Path() string { return s.path }

// Messages returns the channel of messages, closed by Close. Nothing is lost
// if it is read late: what has not been read becomes one message.
func (s *Socket) Messages() <-chan Message { return s.messages }

// Close ends the socket and removes its path.
func (s *Socket) Close() {
	s.conn.Close()
	<-s.ended
	os.Remove(s.path) // the standard library does it only for streams
}

// run receives until the socket is closed.
func (s *Socket) run() {
	defer close(s.messages)
	buf := make([]byte, maxDatagram)
	oob := make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(4*maxFDs))
	for {
		n, oobn, flags, _, err := s.conn.ReadMsgUnix(buf, oob)
		if err != nil {
			return
		}
		pid := sender(oob[:oobn])
		if flags&unix.MSG_TRUNC != 0 || pid <= 0 || !s.allowed(pid) {
			continue
		}
		m, ok := parse(string(buf[:n]))
		if !ok {
			continue
		}
		m.PID = pid
		// Only this goroutine puts messages in, so there is room after that.
		select {
		case earlier := <-s.messages:
			m = earlier.then(m)
		default:
		}
		s.messages <- m
	}
}

// sender returns the pid of who sent a datagram, or 0 if it is not known. It
// closes the descriptors that came with it.
func sender(oob []byte) (pid int) {
	parts, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for _, part := range parts {
		if part.Header.Level != unix.SOL_SOCKET {
			continue
		}
		switch part.Header.Type {
		case unix.SCM_CREDENTIALS:
			if cred, err := unix.ParseUnixCredentials(&part); err == nil {
				pid = int(cred.Pid)
			}
		case unix.SCM_RIGHTS:
			if fds, err := unix.ParseUnixRights(&part); err == nil {
				for _, fd := range fds {
					syscall.Close(fd)
				}
			}
		}
	}
	return pid
}
