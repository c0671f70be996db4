package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// SocketPath is where PID 1 listens.
const SocketPath = "/run/dnetinit/dnetinit.sock"

// Listen makes the socket at path, mode 0600, in place of one that a killed
// predecessor left. It is an error if somebody still answers there. Only root
// gets through: the mode says so, and so does the kernel's word on who
// connects (SO_PEERCRED), for the case of a socket that is mounted elsewhere.
func Listen(path string) (net.Listener, error) {
	return listen(path, func(uid uint32) bool { return uid == 0 })
}

func listen(path string, allowed func(uid uint32) bool) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the control socket's directory: %w", err)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return nil, fmt.Errorf("cannot listen on %s: another dnetinit answers there", path)
	}
	// The socket gets its name only when it listens and has its mode: whoever
	// sees the file can connect.
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot remove the old control socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(temporary, 0o600), os.Rename(temporary, path)); err != nil {
		l.Close()
		return nil, fmt.Errorf("cannot put the control socket in its place: %w", err)
	}
	return &guarded{UnixListener: l, path: path, allowed: allowed}, nil
}

// guarded lets in who is allowed, and no more than maxConnections at a time.
type guarded struct {
	*net.UnixListener
	path    string
	allowed func(uid uint32) bool
	open    atomic.Int64
}

func (g *guarded) Accept() (net.Conn, error) {
	for {
		c, err := g.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := peer(c)
		if err != nil || !g.allowed(uid) || g.open.Load() >= maxConnections {
			c.Close()
			continue
		}
		g.open.Add(1)
		return &counted{UnixConn: c, open: &g.open}, nil
	}
}

func (g *guarded) Close() error {
	return errors.Join(g.UnixListener.Close(), ignoreNotExist(os.Remove(g.path)))
}

func ignoreNotExist(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// peer returns the user at the other end of c, as of its connect.
func peer(c *net.UnixConn) (uid uint32, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var optErr error
	err = raw.Control(func(fd uintptr) {
		cred, optErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err := errors.Join(err, optErr); err != nil {
		return 0, err
	}
	return cred.Uid, nil
}

// counted takes itself off the number of open connections when it is closed.
type counted struct {
	*net.UnixConn
	open   *atomic.Int64
	closed atomic.Bool
}

func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		c.open.Add(-1)
	}
	return c.UnixConn.Close()
}
