package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// sockets are a service's listening sockets. They stay open from New to the
// end, so that clients queue while the service is down.
type sockets struct {
	listeners []*net.UnixListener
	watched   []*os.File    // duplicates of the listeners, as only a file can be watched without accepting
	wanted    chan struct{} // receives once, when the first client connects
}

// listen opens the sockets. What a dead process left at a path is replaced.
func listen(service string, declared []Socket) (sockets, error) {
	s := sockets{wanted: make(chan struct{}, 1)}
	for _, d := range declared {
		l, err := listenUnix(d)
		if err != nil {
			return sockets{}, errors.Join(fmt.Errorf("cannot open the socket %s for %s: %w", d.Path, service, err), s.close())
		}
		s.listeners = append(s.listeners, l)
	}
	var err error
	if s.watched, err = s.files(); err != nil {
		return sockets{}, errors.Join(err, s.close())
	}
	for _, f := range s.watched {
		go s.watch(f)
	}
	return s, nil
}

func listenUnix(d Socket) (*net.UnixListener, error) {
	if err := os.MkdirAll(filepath.Dir(d.Path), 0o755); err != nil {
		return nil, err
	}
	if err := os.Remove(d.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: d.Path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(d.Path, d.Mode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if g, err := user.LookupGroup(d.Group); d.Group != "" && err == nil {
		gid, err := strconv.Atoi(g.Gid)
		if err == nil {
			err = os.Chown(d.Path, 0, gid)
		}
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// watch tells wanted of the first client that connects. It does not accept
// it: the connection is for the service.
func (s sockets) watch(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	err = raw.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return err == nil && n > 0 // false: the runtime's poller waits until it is readable
	})
	if err != nil {
		return // closed
	}
	select {
	case s.wanted <- struct{}{}:
	default:
	}
}

// files returns duplicates of the sockets for a child, to be closed by the
// caller once the child has them.
func (s sockets) files() ([]*os.File, error) {
	var files []*os.File
	for _, l := range s.listeners {
		f, err := l.File()
		if err != nil {
			closeAll(files)
			return nil, fmt.Errorf("cannot duplicate the socket %s: %w", l.Addr(), err)
		}
		files = append(files, f)
	}
	return files, nil
}

func (s sockets) close() error {
	closeAll(s.watched)
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // only duplicates
	}
}
