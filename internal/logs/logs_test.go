package logs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWhatAChildWritesIsInMemoryAndInTheFile(t *testing.T) {
	dir := t.TempDir()
	l, err := New(Options{Dir: filepath.Join(dir, "made", "later"), Name: "etcd"})
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	run(t, l, "echo out; echo err >&2; printf 'no end'")
	flush(t, l)
	run(t, l, "echo again")
	flush(t, l)
	lines := l.Tail(10)
	if got := texts(lines); got != "out|err|no end|again" {
		t.Errorf("in memory: %q", got)
	}
	if lines[0].Time.Before(before) || lines[3].Time.Before(lines[0].Time) {
		t.Errorf("times: %v", lines)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "made", "later", "etcd.log"))
	if err != nil || string(text) != "out\nerr\nno end\nagain\n" {
		t.Errorf("in the file: %q, %v", text, err)
	}
	if l.Dropped() != 0 || l.WriteError() != nil {
		t.Errorf("dropped %d, %v", l.Dropped(), l.WriteError())
	}
}

func TestALogNeedsANameAndADirectory(t *testing.T) {
	for _, o := range []Options{{Name: "a"}, {Dir: "/d"}, {Dir: "/d", Name: "../a"}, {Dir: "/d", Name: ".."}} {
		if l, err := New(o); err == nil || l != nil {
			t.Errorf("%+v: got %v, %v", o, l, err)
		}
	}
}

func TestTheFileIsRotated(t *testing.T) {
	dir := t.TempDir()
	l, err := New(Options{Dir: dir, Name: "a", MaxBytes: 1 << 20, Backups: 2})
	if err != nil {
		t.Fatal(err)
	}
	w := writer(t, l)
	line := strings.Repeat("x", 1023) + "\n"
	for range 5 {
		for range 1000 {
			write(t, w, line)
		}
		// Keep the queue short, so that nothing is dropped.
		until(t, "the queue is empty", func() bool { flush(t, l); return len(l.file.queue) == 0 })
	}
	w.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 3 {
		t.Errorf("files %v, %v; want one and two backups", files, err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Size() > 1<<20 {
			t.Errorf("%s: %d bytes, %v", name, info.Size(), err)
		}
	}
	if l.Dropped() != 0 {
		t.Errorf("%d lines dropped", l.Dropped())
	}
}

// A panic's last lines are what explains it.
func TestTheLastLinesBeforeACrashAreThereAThousandTimes(t *testing.T) {
	l := newLog(t, Options{})
	want := "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20"
	times := 1000
	if testing.Short() {
		times = 100
	}
	for range times {
		cmd := run(t, l, `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do echo $i; done; printf 20; kill -9 $$`)
		if cmd.ProcessState.Success() {
			t.Fatal("no crash")
		}
		flush(t, l)
		if got := texts(l.Tail(20)); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func TestAGrandchildThatHoldsThePipeHoldsUpNothing(t *testing.T) {
	l := newLog(t, Options{})
	hold, release, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	w := writer(t, l)
	cmd := exec.Command("/bin/sh", "-c", `trap '' TERM; { cat <&3; echo late; } & echo last; exit 3`)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = w, w, []*os.File{hold}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	_ = cmd.Wait()
	flush(t, l)
	if got := texts(l.Tail(10)); got != "last" {
		t.Errorf("got %q", got)
	}
	run(t, l, "echo the next one")
	flush(t, l)
	release.Close()
	until(t, "the grandchild's line", func() bool { return texts(l.Tail(10)) == "last|the next one|late" })
}

func TestFlushEndsThoughAnotherWritesWithoutEnd(t *testing.T) {
	l := newLog(t, Options{})
	w := writer(t, l)
	cmd := exec.Command("/usr/bin/yes")
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	until(t, "it writes", func() bool { return len(l.Tail(1)) == 1 })
	for range 5 {
		flush(t, l)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	until(t, "a flush that is given up", func() bool {
		err := l.Flush(cancelled)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		return err != nil
	})
	if err := cmd.Process.Signal(unix.SIGKILL); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
}

func TestAFollowerGetsTheTailAndThenTheRest(t *testing.T) {
	l := newLog(t, Options{})
	w := writer(t, l)
	defer w.Close()
	write(t, w, "a\nb\nc\n")
	flush(t, l)
	ctx, cancel := context.WithCancel(context.Background())
	follow := l.Follow(ctx, 2)
	write(t, w, "d\n")
	var got []Line
	for range 3 {
		got = append(got, <-follow)
	}
	if texts(got) != "b|c|d" {
		t.Errorf("got %q", texts(got))
	}
	cancel()
	if line, open := <-follow; open {
		t.Errorf("got %v after the end", line)
	}
}

func TestFollowersEndWithTheLog(t *testing.T) {
	l := newLog(t, Options{})
	w := writer(t, l)
	follow := l.Follow(context.Background(), 0)
	write(t, w, "last words")
	w.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, follow := range []<-chan Line{follow, l.Follow(context.Background(), 1)} {
		if line := <-follow; line.Text != "last words" {
			t.Errorf("got %v", line)
		}
		if line, open := <-follow; open {
			t.Errorf("got %v after the end", line)
		}
	}
	if _, err := l.Writer(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Writer: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func TestAStalledFollowerMissesLinesAndIsTold(t *testing.T) {
	l := newLog(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	follow := l.Follow(ctx, 0)
	const lines = 100_000
	run(t, l, fmt.Sprintf("seq %d", lines)) // ends only if nobody waits for the follower
	flush(t, l)
	if got := texts(l.Tail(1)); got != fmt.Sprint(lines) {
		t.Errorf("the last line is %q", got)
	}

	var seen, skipped uint64
	for range followBuffer {
		line := <-follow
		seen++
		skipped += line.Skipped
	}
	run(t, l, "echo more")
	line := <-follow
	if line.Text != "more" || seen+skipped+line.Skipped != lines {
		t.Errorf("saw %d and missed %d of %d, then got %+v", seen, skipped, lines, line)
	}
	cancel()
	for range follow { // until it is closed
	}
}

func TestEverythingMayHappenAtOnce(t *testing.T) {
	for range 20 {
		l := newLog(t, Options{})
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				w, err := l.Writer()
				if err != nil {
					return // closed already
				}
				defer w.Close()
				for range 200 {
					if _, err := w.WriteString("line\n"); err != nil {
						return
					}
				}
			})
			all.Go(func() {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				for range l.Follow(ctx, 5) {
					if l.Flush(ctx) != nil || len(l.Tail(3)) == 3 {
						return
					}
				}
			})
		}
		all.Go(func() {
			until(t, "a line", func() bool { return len(l.Tail(1)) == 1 })
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
	}
}

func TestCloseEndsThePipesThatAreStillHeld(t *testing.T) {
	l := newLog(t, Options{})
	w := writer(t, l)
	defer w.Close()
	write(t, w, "last words")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := texts(l.Tail(5)); got != "last words" {
		t.Errorf("got %q", got)
	}
	if _, err := w.WriteString("too late"); !errors.Is(err, unix.EPIPE) {
		t.Errorf("got %v, want %v", err, unix.EPIPE)
	}
}
