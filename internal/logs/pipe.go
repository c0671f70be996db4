package logs

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// pipe is the read end of a pipe that a process writes to.
type pipe struct {
	file *os.File
	conn syscall.RawConn

	// mu is held from reading bytes until their lines are published. So
	// whoever holds it knows that all bytes are either in the pipe or seen.
	mu    sync.Mutex
	buf   []byte
	split splitter
	eof   bool // nothing is read or published any more
}

// newPipe takes over the descriptor fd.
func newPipe(fd int) (*pipe, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "log")
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &pipe{file: file, conn: conn, buf: make([]byte, readSize)}, nil
}

// run reads until all writers have closed the pipe, or close is called.
func (p *pipe) run(publish func([]Line)) {
	defer p.file.Close()
	_ = p.conn.Read(func(fd uintptr) (done bool) {
		for {
			n, more := p.read(int(fd), publish)
			if !more || n == 0 {
				return !more // false: wait until there is something to read
			}
		}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.eof = true
	publish(p.split.end(time.Now()))
}

// read reads once. more is false when nothing will come any more.
func (p *pipe) read(fd int, publish func([]Line)) (n int, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.eof {
		return 0, false
	}
	for {
		n, err := unix.Read(fd, p.buf)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return 0, true
		case err != nil || n == 0:
			return 0, false
		default:
			publish(p.split.feed(p.buf[:n], time.Now()))
			return n, true
		}
	}
}

// flush reads what is in the pipe now and ends an unfinished line. It does not
// wait for the end of the pipe, which a grandchild may hold open for ever
// (golang/go#23019), and takes no more than there was at the time, as that
// grandchild may write without end.
func (p *pipe) flush(ctx context.Context, publish func([]Line)) error {
	var failed error
	_ = p.conn.Control(func(fd uintptr) { // an error means that it is closed: all is read
		left, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ)
		if err != nil {
			failed = err
			return
		}
		for more := true; more && left > 0; {
			if failed = ctx.Err(); failed != nil {
				return
			}
			var n int
			if n, more = p.read(int(fd), publish); n == 0 {
				break // the other goroutine was faster
			}
			left -= n
		}
	})
	if failed != nil {
		return failed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.eof {
		publish(p.split.end(time.Now()))
	}
	return nil
}

// close makes run return. It waits for a read in progress, and so for publish.
func (p *pipe) close() { p.file.Close() }
