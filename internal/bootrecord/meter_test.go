package bootrecord

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTheFirstInstructionIsBeforeThisOne(t *testing.T) {
	now := time.Now()
	first := FirstInstruction()
	if !first.Before(now) {
		t.Errorf("got %s, and now is %s", first, now)
	}
	if again := FirstInstruction(); again.Sub(first).Abs() > time.Millisecond {
		t.Errorf("got %s and then %s", first, again)
	}
	forked, err := Forked()
	if err != nil {
		t.Fatal(err)
	}
	// The kernel's clock for this counts in steps of 10 ms.
	if before := first.Sub(forked); before < -20*time.Millisecond || before > time.Minute {
		t.Errorf("the process was made %s before its first instruction", before)
	}
}

func TestTheMonotonicClockIsRead(t *testing.T) {
	if got := sinceClockBegan(time.Now().Round(0)); got != 0 { // it has none
		t.Errorf("got %s", got)
	}
	a := time.Now()
	b := a.Add(1234567 * time.Nanosecond)
	if got := sinceClockBegan(b) - sinceClockBegan(a); got != 1234567 {
		t.Errorf("got %s", got)
	}
}

func TestTheStartTimeOfAProcess(t *testing.T) {
	for name, test := range map[string]struct {
		stat string
		want int64
		ok   bool
	}{
		"a plain one":                   {"1 (init) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 12345 1 2", 12345, true},
		"a name with all that can hurt": {"1 (a) b) S) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 77 1 2", 77, true},
		"one that is cut off":           {"1 (init) S 0 1", 0, false},
		"nothing":                       {"", 0, false},
	} {
		if got, err := startTicks([]byte(test.stat)); got != test.want || (err == nil) != test.ok {
			t.Errorf("%s: got %d, %v", name, got, err)
		}
	}
}

func TestTheCountersOfCgroups(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want float64
		ok   bool
	}{
		"v1":          {"1500000000\n", 1.5, true},
		"v2":          {"usage_usec 2500000\nuser_usec 1\n", 2.5, true},
		"nothing":     {"", 0, false},
		"another":     {"nr_periods 0\n", 0, false},
		"v2, cut off": {"usage_usec ", 0, false},
	} {
		if got, ok := parseUsage([]byte(test.text)); got != test.want || ok != test.ok {
			t.Errorf("%s: got %v, %v", name, got, ok)
		}
	}
}

func TestTheMachinesTimeIsAllButIdling(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want float64
	}{
		"user, nice, system, irq, softirq and steal": {"cpu  100 10 200 5000 600 20 30 40 100 10\ncpu0 1 1 1\n", 4},
		"a kernel that counts less":                  {"cpu  100 10 200 5000\n", 3.1},
		"nothing":                                    {"", 0},
	} {
		if got := parseMachine([]byte(test.text)); got != test.want {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestTheMeterReadsWhatThereIs(t *testing.T) {
	dir := t.TempDir()
	write := func(group, text string) {
		path := filepath.Join(dir, group)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "cpu.stat"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(".", "usage_usec 3000000\n")
	write("dnetinit/etcd", "usage_usec 1000000\n")
	m := &Meter{dir: dir, file: "cpu.stat"}
	defer m.Close()
	s := m.Read([]string{"etcd", "kubelet"})
	if s.Container != 3 || s.Services["etcd"] != 1 || len(s.Services) != 1 {
		t.Errorf("got %+v", s)
	}
	if s.Machine <= 0 || s.Init <= 0 {
		t.Errorf("this machine and this process used nothing: %+v", s)
	}
	write("dnetinit/etcd", "usage_usec 1250000\n")
	write("dnetinit/kubelet", "usage_usec 500000\n")
	if s := m.Read([]string{"etcd", "kubelet"}); s.Services["etcd"] != 1.25 || s.Services["kubelet"] != .5 {
		t.Errorf("got %+v", s)
	}
	// The group of a service that is gone keeps its last number: the others
	// are never to be blamed for what it used.
	write("dnetinit/etcd", "")
	if s := m.Read([]string{"etcd"}); s.Services["etcd"] != 1.25 {
		t.Errorf("got %+v", s)
	}
}

func TestTheMeterWorksWhereThereIsNoCgroup(t *testing.T) {
	m := &Meter{}
	defer m.Close()
	for range 2 {
		if s := m.Read([]string{"no-such-service"}); s.Machine <= 0 || len(s.Services) != 0 {
			t.Errorf("got %+v", s)
		}
	}
}

// A sample costs microseconds, so that one each 50 ms is nothing.
func BenchmarkSample(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cpu.stat"), []byte("usage_usec 1\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	m := &Meter{dir: dir, file: "cpu.stat"}
	defer m.Close()
	services := []string{"etcd", "kube-apiserver", "kubelet"}
	for b.Loop() {
		m.Read(services)
	}
}
