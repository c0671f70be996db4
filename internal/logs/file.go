package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/DeRuina/timberjack"
)

const (
	// queueLength is how many reads of a pipe may wait for the disk: some 4 MiB.
	queueLength = 64
	// closeBudget is how long Close may take. A container is killed 10 s after
	// it was asked to stop, and logs are closed last.
	closeBudget = time.Second
)

// file writes lines to a file, in a goroutine of its own: a disk that hangs or
// is full does not reach whoever enqueues.
type file struct {
	queue chan batch
	ended chan struct{}

	dropped atomic.Uint64
	err     atomic.Pointer[error] // of the last write; nil after a good one

	// Of the goroutine that writes:
	told uint64 // how many of the dropped lines the file tells about
	torn bool   // the file ends within a line
}

// batch is what is written at once.
type batch struct {
	text  []byte
	lines uint64
}

// rotating returns a writer to path that starts a new file when it is full. It
// opens the file on the first write, and again after an error.
func rotating(path string, maxBytes int64, backups int) io.WriteCloser {
	return &timberjack.Logger{
		Filename:   path,
		MaxSize:    int((maxBytes + 1<<20 - 1) >> 20),
		MaxBackups: backups,
		FileMode:   0o640,
	}
}

// newFile starts the goroutine that writes to w. It owns w.
func newFile(w io.WriteCloser) *file {
	f := &file{queue: make(chan batch, queueLength), ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		defer w.Close()
		for b := range f.queue {
			f.write(w, b)
		}
	}()
	return f
}

// enqueue never waits. It must not be called at the same time as close.
func (f *file) enqueue(lines []Line) {
	b := batch{lines: uint64(len(lines))}
	size := 0
	for _, line := range lines {
		size += len(line.Text) + 1
	}
	b.text = make([]byte, 0, size)
	for _, line := range lines {
		b.text = append(append(b.text, line.Text...), '\n')
	}
	select {
	case f.queue <- b:
	default:
		f.dropped.Add(b.lines)
	}
}

// write writes one batch, and before it what is to be said about those that
// could not be written.
func (f *file) write(w io.Writer, b batch) {
	var note []byte
	if f.torn {
		note = append(note, '\n')
	}
	lost := f.dropped.Load()
	if lost > f.told {
		note = fmt.Appendf(note, "[%d lines are missing here: this file could not be written]\n", lost-f.told)
	}
	text := b.text
	if len(note) > 0 {
		text = append(note, b.text...)
	}
	n, err := w.Write(text)
	if err != nil {
		f.err.Store(&err)
	} else {
		f.err.Store(nil)
	}
	if n > 0 {
		f.torn = text[n-1] != '\n'
	}
	if n >= len(note) {
		f.told = lost
	}
	written := bytes.Count(text[min(len(note), n):n], []byte{'\n'})
	f.dropped.Add(b.lines - uint64(written))
}

// close writes what is still enqueued and ends the goroutine, if the disk lets
// it before ctx ends.
func (f *file) close(ctx context.Context) error {
	close(f.queue)
	select {
	case <-f.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot write the end of a log: %w", context.Cause(ctx))
	}
}
