package logs

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// LOGS_TEST_LONG=1 in the environment makes it 1 GiB of each.
func TestMemoryIsBoundedWhateverComes(t *testing.T) {
	for name, c := range map[string]struct {
		megabytes int
		command   string
	}{
		"no newline":    {128, `tr '\0' x`},
		"NULs":          {32, `cat`},
		"broken UTF-8":  {32, `tr '\0' '\377'`},
		"only newlines": {4, `tr '\0' '\n'`}, // each byte is a line
	} {
		t.Run(name, func(t *testing.T) {
			if os.Getenv("DOCKERNETES_SOAK") != "" { // make soak
				c.megabytes = 1024
			}
			l := newLog(t, Options{MaxBytes: 1 << 20, Backups: 1})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			l.Follow(ctx, 10) // never read
			before, sysBefore := heap()
			run(t, l, fmt.Sprintf("head -c %dM /dev/zero | %s", c.megabytes, c.command))
			flush(t, l)
			after, sysAfter := heap()
			if after > before+32<<20 {
				t.Errorf("the heap grew by %d MiB", (after-before)>>20)
			}
			if sysAfter > sysBefore+96<<20 {
				t.Errorf("at its peak the heap was %d MiB larger", (sysAfter-sysBefore)>>20)
			}
		})
	}
}

// heap returns what is in use and what was at most taken from the system.
func heap() (used, peak uint64) {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc, stats.HeapSys
}

func BenchmarkLines(b *testing.B) {
	benchmark(b, strings.Repeat(strings.Repeat("x", 99)+"\n", 640))
}

// benchmark measures how fast a process can write text.
func benchmark(b *testing.B, text string) {
	l, err := New(Options{Dir: b.TempDir(), Name: "a"})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	w, err := l.Writer()
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	chunk := []byte(text)
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		if _, err := w.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOneByteLines(b *testing.B) {
	benchmark(b, strings.Repeat("y\n", 32<<10))
}

func BenchmarkNULs(b *testing.B) {
	benchmark(b, strings.Repeat("\x00", 64<<10))
}
