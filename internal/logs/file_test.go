package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// disk is a file that can be full or hang.
type disk struct {
	text   bytes.Buffer
	room   int           // bytes until ENOSPC; < 0 is no limit
	hang   chan struct{} // if not nil, a write waits until it is closed
	closed bool
}

func (d *disk) Write(p []byte) (int, error) {
	if d.hang != nil {
		<-d.hang
	}
	if d.room >= 0 && len(p) > d.room {
		n, _ := d.text.Write(p[:d.room])
		d.room = 0
		return n, unix.ENOSPC
	}
	if d.room >= 0 {
		d.room -= len(p)
	}
	return d.text.Write(p)
}

func (d *disk) Close() error {
	d.closed = true
	return nil
}

func lines(text ...string) []Line {
	var lines []Line
	for _, s := range text {
		lines = append(lines, Line{Text: s})
	}
	return lines
}

// step is one thing that happens to a file.
type step struct {
	room int // how much fits on the disk now
	text string
}

func TestAFullDiskLosesLinesAndTheFileSaysSo(t *testing.T) {
	const missing = "[%d lines are missing here: this file could not be written]\n"
	for name, c := range map[string]struct {
		steps   []step
		want    string
		dropped uint64
	}{
		"all fits":                        {[]step{{-1, "a|b"}, {-1, "c"}}, "a\nb\nc\n", 0},
		"nothing fits":                    {[]step{{0, "a|b"}, {0, "c"}}, "", 3},
		"some lines fit":                  {[]step{{2, "a|b"}}, "a\n", 1},
		"space comes back":                {[]step{{0, "a|b"}, {-1, "c"}}, fmt.Sprintf(missing, 2) + "c\n", 2},
		"a torn line is ended":            {[]step{{3, "a|bcd"}, {-1, "e"}}, "a\nb\n" + fmt.Sprintf(missing, 1) + "e\n", 1},
		"the note does not fit":           {[]step{{0, "a"}, {5, "b"}, {-1, "c"}}, "[1 li\n" + fmt.Sprintf(missing, 2) + "c\n", 2},
		"the note fits, the line doesn't": {[]step{{0, "a"}, {len(missing) - 1, "b"}, {-1, "c"}}, fmt.Sprintf(missing, 1) + fmt.Sprintf(missing, 1) + "c\n", 2},
		"full twice":                      {[]step{{0, "a"}, {-1, "b"}, {0, "c|d"}, {-1, "e"}}, fmt.Sprintf(missing, 1) + "b\n" + fmt.Sprintf(missing, 2) + "e\n", 3},
	} {
		t.Run(name, func(t *testing.T) {
			d := &disk{}
			f := &file{queue: make(chan batch, 1)}
			for _, s := range c.steps {
				d.room = s.room
				f.enqueue(lines(strings.Split(s.text, "|")...))
				f.write(d, <-f.queue)
			}
			if got := d.text.String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := f.dropped.Load(); got != c.dropped {
				t.Errorf("dropped %d, want %d", got, c.dropped)
			}
			failed := f.err.Load() != nil
			if want := c.steps[len(c.steps)-1].room >= 0; failed != want {
				t.Errorf("an error at last: %v, want %v", failed, want)
			}
		})
	}
}

func TestADiskThatHangsHoldsUpNobody(t *testing.T) {
	d := &disk{room: -1, hang: make(chan struct{})}
	f := newFile(d)
	const batches = 10 * queueLength
	for range batches { // would never end if it waited
		f.enqueue(lines("a", "b"))
	}
	if got, least := f.dropped.Load(), uint64(2*(batches-queueLength-1)); got < least {
		t.Errorf("dropped %d, want at least %d", got, least)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.close(over); !errors.Is(err, context.Canceled) {
		t.Errorf("close: %v", err)
	}
	close(d.hang)
	<-f.ended
	if !d.closed {
		t.Error("the file is still open")
	}
	written := uint64(strings.Count(d.text.String(), "a\nb\n"))
	if 2*written+f.dropped.Load() != 2*batches {
		t.Errorf("%d written and %d dropped of %d", 2*written, f.dropped.Load(), 2*batches)
	}
}

// A real file system, a real child: it never waits, and each line is either in
// a file or counted.
func TestAFullFileSystemBlocksNoChild(t *testing.T) {
	if !withOwnMounts(t) {
		return
	}
	dir := t.TempDir()
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 200<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := New(Options{Dir: dir, Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	const before, after = 100_000, 1000
	run(t, l, fmt.Sprintf("seq %d", before))
	flush(t, l)
	if got := texts(l.Tail(1)); got != fmt.Sprint(before) {
		t.Errorf("the last line in memory is %q", got)
	}
	until(t, "the queue is written", func() bool { return len(l.file.queue) == 0 })
	if l.Dropped() == 0 || !errors.Is(l.WriteError(), unix.ENOSPC) {
		t.Errorf("dropped %d, %v", l.Dropped(), l.WriteError())
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	run(t, l, fmt.Sprintf("seq %d", after))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.WriteError(); err != nil {
		t.Errorf("with space again: %v", err)
	}

	text, err := os.ReadFile(filepath.Join(dir, "a.log"))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("\n%d\n", after); !bytes.HasSuffix(text, []byte(want)) {
		t.Errorf("the file ends with %q", text[max(0, len(text)-100):])
	}
	told := 0
	for _, m := range regexp.MustCompile(`(?m)^\[(\d+) lines are missing`).FindAllSubmatch(text, -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		told += n
	}
	if uint64(told) != l.Dropped() {
		t.Errorf("the file tells of %d missing lines, %d were dropped", told, l.Dropped())
	}
}
