package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/pkg/supervisor"
	"github.com/lyft/dockernetes/test/rig"
)

// patience is how long a test waits for what should come at once.
var patience = rig.Patience(30 * time.Second)

// machine is a PID 1 under test, seen from outside of its namespaces.
type machine struct {
	*control.Client
	dir string // of its socket, readiness file and logs
	cmd *exec.Cmd
	out *buffer

	mu      sync.Mutex
	events  []supervisor.Event
	changed chan struct{} // closed at the next event
	seen    int           // how many events await has passed over

	exited chan struct{} // closed when it has
}

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// directory makes a directory for a machine: t.TempDir's path may be too long
// for a socket.
func directory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "faults")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// start boots a scenario as PID 1. Settings are "NAME=value" for it.
func start(t testing.TB, scenario string, settings ...string) *machine {
	t.Helper()
	return startIn(t, directory(t), scenario, settings...)
}

func startIn(t testing.TB, dir, scenario string, settings ...string) *machine {
	t.Helper()
	need(t, namespaces())
	socket := filepath.Join(dir, "s")
	m := &machine{
		Client: control.NewClient(socket), dir: dir, out: &buffer{},
		changed: make(chan struct{}), exited: make(chan struct{}),
	}
	m.cmd = exec.Command("/proc/self/exe")
	m.cmd.Env = append(os.Environ(), roleVariable+"=init", "FAULTS_DIR="+dir, "FAULTS_SCENARIO="+scenario, "DNET_CHAOS=1", "GORACE=atexit_sleep_ms=0")
	m.cmd.Env = append(m.cmd.Env, settings...)
	m.cmd.Stdout, m.cmd.Stderr = m.out, m.out
	m.cmd.WaitDelay = time.Second // a child that outlives it, against all promises, holds the output
	m.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC,
		Unshareflags: unix.CLONE_NEWNS, // mounts made inside stay inside
		Setsid:       true,
	}
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var owners sync.WaitGroup
	owners.Go(func() {
		defer close(m.exited)
		_ = m.cmd.Wait() // its status is looked at by exit
	})
	owners.Go(func() { m.follow(ctx) })
	t.Cleanup(func() {
		cancel()
		_ = m.cmd.Process.Kill() // it may have ended
		owners.Wait()
		m.Close()
		if t.Failed() {
			t.Logf("PID 1 wrote:\n%s", m.out)
		}
	})
	return m
}

// follow collects the events, from the moment when the socket is there.
func (m *machine) follow(ctx context.Context) {
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		m.mu.Lock()
		after := uint64(len(m.events))
		m.mu.Unlock()
		// Errors end one stream; the next one goes on where it was.
		_ = m.Events(ctx, after, func(e supervisor.Event) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.events = append(m.events, e)
			close(m.changed)
			m.changed = make(chan struct{})
			return nil
		})
		select {
		case <-again.C:
		case <-m.exited:
			return
		case <-ctx.Done():
			return
		}
	}
}

// await returns the next event that moves the unit to the state: the first one
// after that which the call before returned.
func (m *machine) await(t testing.TB, unit string, to supervisor.State) supervisor.Event {
	t.Helper()
	return m.awaitEvent(t, fmt.Sprintf("%s %s", unit, to), func(e supervisor.Event) bool {
		return e.Unit == unit && e.To == to && e.From != to
	})
}

func (m *machine) awaitEvent(t testing.TB, what string, fits func(supervisor.Event) bool) supervisor.Event {
	t.Helper()
	tooLate := time.After(patience)
	for {
		m.mu.Lock()
		for i := m.seen; i < len(m.events); i++ {
			if e := m.events[i]; fits(e) {
				m.seen = i + 1
				m.mu.Unlock()
				return e
			}
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-m.exited:
			t.Fatalf("PID 1 ended (%v) before there was: %s", m.cmd.ProcessState, what)
		case <-tooLate:
			t.Fatalf("never seen: %s; status: %s", what, m.describe())
		}
	}
}

func (m *machine) describe() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	snap, err := m.Snapshot(ctx)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, u := range snap.Units {
		lines = append(lines, fmt.Sprintf("%s %s %s", u.Name, u.State, u.Reason))
	}
	return strings.Join(lines, "; ")
}

// unit is the unit's status now.
func (m *machine) unit(t testing.TB, name string) supervisor.Status {
	t.Helper()
	snap, err := m.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, _ := snap.Unit(name)
	return u
}

// kill sends a signal to a process that is known by its number inside.
func (m *machine) kill(t testing.TB, pid int, s syscall.Signal) {
	t.Helper()
	outside, err := m.outside(pid)
	if err == nil {
		err = syscall.Kill(outside, s)
	}
	if err != nil {
		t.Fatalf("cannot send %s to process %d: %v", s, pid, err)
	}
}

// outside returns the number that a process has in our own pid namespace.
func (m *machine) outside(pid int) (int, error) {
	for _, p := range m.processes() {
		if p.inside == pid {
			return p.outside, nil
		}
	}
	return 0, fmt.Errorf("there is no process %d inside", pid)
}

type processNumbers struct{ outside, inside int }

// processes lists what runs in the machine's pid namespace.
func (m *machine) processes() (list []processNumbers) {
	status, _ := filepath.Glob("/proc/[0-9]*/status")
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", m.cmd.Process.Pid))
	if err != nil {
		return nil // it has ended, and all with it
	}
	for _, path := range status {
		if ns, err := os.Readlink(filepath.Join(filepath.Dir(path), "ns/pid")); err != nil || ns != namespace {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		for line := range strings.Lines(string(text)) {
			if numbers, ok := strings.CutPrefix(line, "NSpid:"); ok {
				fields := strings.Fields(numbers)
				outside, _ := strconv.Atoi(fields[0])
				inside, _ := strconv.Atoi(fields[len(fields)-1])
				list = append(list, processNumbers{outside, inside})
			}
		}
	}
	return list
}

// signal sends a signal to PID 1.
func (m *machine) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// exit waits for the end of PID 1 and returns its exit status and how long
// that took.
func (m *machine) exit(t testing.TB) (status int, took time.Duration) {
	t.Helper()
	began := time.Now()
	select {
	case <-m.exited:
		return m.cmd.ProcessState.ExitCode(), time.Since(began)
	case <-time.After(patience):
		t.Fatalf("PID 1 does not end; status: %s", m.describe())
		return 0, 0
	}
}

// stop ends PID 1 as an engine does, and checks that it ends well.
func (m *machine) stop(t testing.TB) {
	t.Helper()
	m.signal(t, syscall.SIGTERM)
	if status, took := m.exit(t); status != 0 || took > stopsWithin {
		t.Errorf("stopped with status %d after %s", status, took)
	}
	m.mustHaveLeftNothing(t)
}

// stopsWithin is the promise: Docker kills after 10 s.
var stopsWithin = rig.Patience(9 * time.Second)

func (m *machine) mustHaveLeftNothing(t testing.TB) {
	t.Helper()
	for _, name := range []string{"s", "ready", "s.new"} {
		if _, err := os.Stat(filepath.Join(m.dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(m.dir, "notify", "*")); len(left) > 0 {
		t.Errorf("sockets are left: %v", left)
	}
}

// until waits for a condition that nothing signals.
func until(t testing.TB, what string, met func() bool) {
	t.Helper()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	tooLate := time.After(patience)
	for !met() {
		select {
		case <-again.C:
		case <-tooLate:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// states lists the states that a unit has gone through.
func (m *machine) states(unit string) (states []supervisor.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if e.Unit == unit && e.From != e.To {
			states = append(states, e.To)
		}
	}
	return slices.Clone(states)
}
