package logs

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Limits that bound the memory of one Log, whatever its service writes.
const (
	maxLine      = 16 << 10 // bytes of one line; longer ones are cut into pieces
	maxRing      = 1 << 20  // bytes of all lines in the ring
	pipeSize     = 256 << 10
	readSize     = 64 << 10
	followBuffer = 256 // lines that a follower may be behind
)

// Options say where a log is kept and how much of it.
type Options struct {
	Dir  string // of the files; made when the first line is written
	Name string // of the service: the file is Dir/Name.log

	MaxBytes int64 // size of a file before it is rotated, in whole MiB; 0 means 16 MiB
	Backups  int   // rotated files that are kept beside it; 0 means 2
	Lines    int   // lines kept in memory, 1 MiB at most; 0 means 1000
}

// Line is one line of a log.
type Line struct {
	Time time.Time `json:"time"` // when it was read
	// Text is valid UTF-8 without control characters, except for tabs.
	Text string `json:"text"`
	// Skipped is how many lines before this one a slow follower has missed.
	Skipped uint64 `json:"skipped,omitempty"`
}

// Log is the log of one service, over all its restarts. Make it with [New].
type Log struct {
	file *file

	mu        sync.Mutex
	ring      *ring
	pipes     map[*pipe]bool
	followers map[*follower]bool
	closed    bool

	readers sync.WaitGroup
}

// New returns a Log. It writes nothing yet, so that a full or missing disk
// does not keep a service from starting.
func New(o Options) (*Log, error) {
	if o.Name == "" || strings.ContainsAny(o.Name, "/\x00") || strings.HasPrefix(o.Name, ".") {
		return nil, fmt.Errorf("cannot make log: %q is no name for a file", o.Name)
	}
	if o.Dir == "" {
		return nil, fmt.Errorf("cannot make log of %s: no directory is given", o.Name)
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 16 << 20
	}
	if o.Backups <= 0 {
		o.Backups = 2
	}
	if o.Lines <= 0 {
		o.Lines = 1000
	}
	return &Log{
		file:      newFile(rotating(filepath.Join(o.Dir, o.Name+".log"), o.MaxBytes, o.Backups)),
		ring:      newRing(o.Lines, maxRing),
		pipes:     map[*pipe]bool{},
		followers: map[*follower]bool{},
	}, nil
}

// Writer returns the write end of a new pipe, for the stdout and stderr of one
// process. Close it once the process has it. The other end is read until all
// writers are gone or the Log is closed.
func (l *Log) Writer() (*os.File, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("cannot make the pipe of a log: %w", err)
	}
	w := os.NewFile(uintptr(ends[1]), "log")
	// More room than 64 KiB saves wake-ups; without the right to it, it's fine.
	_, _ = unix.FcntlInt(uintptr(ends[0]), unix.F_SETPIPE_SZ, pipeSize)
	p, err := newPipe(ends[0])
	if err != nil {
		unix.Close(ends[0])
		w.Close()
		return nil, fmt.Errorf("cannot read the pipe of a log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		p.close()
		w.Close()
		return nil, fmt.Errorf("cannot write to a log: %w", os.ErrClosed)
	}
	l.pipes[p] = true
	l.readers.Go(func() {
		p.run(l.publish)
		l.mu.Lock()
		delete(l.pipes, p)
		l.mu.Unlock()
	})
	return w, nil
}

// publish takes lines in the order in which they were read.
func (l *Log) publish(lines []Line) {
	if len(lines) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range lines {
		l.ring.add(line)
	}
	for f := range l.followers {
		f.send(lines)
	}
	l.file.enqueue(lines)
}

// Tail returns the last n lines in memory, oldest first.
func (l *Log) Tail(n int) []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ring.last(n)
}

// Follow returns the last tail lines and then each new one. The channel is
// closed when ctx ends or the Log is closed. Who reads slowly misses lines.
func (l *Log) Follow(ctx context.Context, tail int) <-chan Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	past := l.ring.last(tail)
	f := &follower{lines: make(chan Line, len(past)+followBuffer)}
	f.send(past)
	if l.closed {
		close(f.lines)
		return f.lines
	}
	l.followers[f] = true
	f.stop = context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.followers[f] {
			delete(l.followers, f)
			close(f.lines)
		}
	})
	return f.lines
}

// Flush returns when everything that was written before the call can be seen
// by Tail, also if other processes still hold the pipes open. A last line that
// has no end yet is ended. Call it when a process has exited, to have its last
// words. The error is that of ctx.
func (l *Log) Flush(ctx context.Context) error {
	for _, p := range l.openPipes() {
		if err := p.flush(ctx, l.publish); err != nil {
			return fmt.Errorf("cannot read all of the log: %w", err)
		}
	}
	return nil
}

func (l *Log) openPipes() []*pipe {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.pipes))
}

// Dropped returns how many lines could not be written to the file, as it was
// full or slow.
func (l *Log) Dropped() uint64 { return l.file.dropped.Load() }

// WriteError returns why the last line could not be written to the file, or
// nil if it could.
func (l *Log) WriteError() error {
	if err := l.file.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Close flushes and ends everything. Processes that still hold a pipe get
// SIGPIPE, so call it when they are gone. It waits for the file, but not for
// long: a disk that hangs must not hold up a shutdown.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), closeBudget)
	defer cancel()
	flushed := l.Flush(ctx)
	for _, p := range l.openPipes() {
		p.close() // not under mu: it waits for publish
	}
	l.readers.Wait()

	l.mu.Lock()
	for f := range l.followers {
		f.stop()
		delete(l.followers, f)
		close(f.lines)
	}
	l.mu.Unlock()
	if err := l.file.close(ctx); err != nil {
		return err
	}
	return flushed
}
