package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/lyft/dockernetes/internal/notify"
	"github.com/lyft/dockernetes/internal/reaper"
)

// supervise runs services until the test ends.
func supervise(t *testing.T, services ...Service) *graphOf {
	t.Helper()
	log := zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel))
	r := reaper.New(log)
	dir := t.TempDir()
	s, err := New(Graph{Services: services}, Options{
		Log: log, Reaper: r, LogDir: filepath.Join(dir, "log"), NotifyDir: filepath.Join(dir, "notify"),
	})
	if err != nil {
		t.Fatal(err)
	}
	reaping, stopReaping := context.WithCancel(context.Background())
	reaped := make(chan error, 1)
	go func() { reaped <- r.Run(reaping) }()
	ctx, cancel := context.WithCancel(context.Background())
	g := &graphOf{Supervisor: s, cancel: cancel, done: make(chan error, 1)}
	go func() { g.done <- s.Run(ctx) }()
	t.Cleanup(func() {
		g.stop(t)
		stopReaping()
		<-reaped
	})
	return g
}

func child(name string) []string { return []string{os.Args[0], name} }

// await returns the unit's status once it is in the state.
func (g *graphOf) await(t *testing.T, name string, want State) Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for e := range g.Events(ctx, 0) {
		if row, _ := g.board.row(name); row.State == want {
			return row
		}
		if e.Unit == name && e.To == want {
			return e.Status
		}
	}
	row, _ := g.board.row(name)
	t.Fatalf("%s never became %s; it is %s (%s) and went through %v", name, want, row.State, row.Reason, g.states(name))
	return Status{}
}

func TestAServiceIsReadyWhenItSaysSo(t *testing.T) {
	g := supervise(t, Service{Name: "ready", Command: child("ready"), Ready: Readiness{Notify: true}},
		Service{Name: "silent", Command: child("never-ready"), Ready: Readiness{Notify: true, Timeout: 300 * time.Millisecond}})
	row := g.await(t, "ready", Ready)
	if err := syscall.Kill(row.PID, 0); row.PID == 0 || err != nil {
		t.Errorf("its pid is given as %d: %v", row.PID, err)
	}
	row = g.await(t, "silent", Backoff)
	if !strings.Contains(row.Reason, "not ready after 300ms: has not sent READY=1 yet") {
		t.Errorf("the reason is %q", row.Reason)
	}
}

func TestReadyFromAStrangerMeansNothing(t *testing.T) {
	g := supervise(t, Service{Name: "silent", Command: child("never-ready"), Ready: Readiness{Notify: true}})
	g.await(t, "silent", Starting)
	socket := filepath.Join(g.options.NotifyDir, "silent.sock")
	deadline := time.Now().Add(10 * time.Second)
	for notify.Send(socket, "READY=1") != nil { // this process is none of the service's
		if time.Now().After(deadline) {
			t.Fatalf("no notify socket at %s", socket)
		}
	}
	probe := make(chan struct{})
	go func() {
		defer close(probe)
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		for e := range g.Events(ctx, 0) {
			if e.To == Ready {
				t.Error("a stranger's READY=1 was believed")
			}
		}
	}()
	<-probe
}

func TestAProbeDecidesAfterTheNotification(t *testing.T) {
	answers := make(chan error, 3)
	answers <- errors.New("503")
	answers <- errors.New("503")
	answers <- nil
	g := supervise(t, Service{Name: "ready", Command: child("ready"), Ready: Readiness{
		Notify: true,
		Probe: func(context.Context) error {
			select {
			case err := <-answers:
				return err
			default:
				return nil
			}
		},
	}})
	g.await(t, "ready", Ready)
	if len(answers) != 0 {
		t.Errorf("%d answers of the probe were not waited for", len(answers))
	}
}

func TestAnExitIsReportedWithItsStatusAndTheLastLines(t *testing.T) {
	g := supervise(t, Service{Name: "etcd", Command: child("exit-7"), Ready: Readiness{Notify: true}})
	row := g.await(t, "etcd", Backoff)
	if row.Reason != "exit status 7" || strings.Join(row.LastLog, "|") != "the disk is full" {
		t.Errorf("reason %q, last lines %q", row.Reason, row.LastLog)
	}
}

func TestAProgramThatIsNotThereIsNamed(t *testing.T) {
	g := supervise(t, Service{Name: "etcd", Command: []string{"/no/such/etcd"}})
	row := g.await(t, "etcd", Backoff)
	if !strings.Contains(row.Reason, "cannot start /no/such/etcd") || !strings.Contains(row.Reason, "no such file") {
		t.Errorf("the reason is %q", row.Reason)
	}
}

func TestReadyIsNotSkippedByAnExitRightAfter(t *testing.T) {
	g := supervise(t, Service{Name: "quick", Command: child("ready-then-exit"), Ready: Readiness{Notify: true}})
	row := g.await(t, "quick", Backoff)
	if row.Reason != "exit status 3" {
		t.Errorf("the reason is %q", row.Reason)
	}
}

func TestAChildThatIgnoresTERMIsKilledAtItsBudget(t *testing.T) {
	budget := 400 * time.Millisecond
	g := supervise(t, Service{Name: "deaf", Command: child("deaf"), Ready: Readiness{Notify: true}, Stop: Stop{Budget: budget}})
	row := g.await(t, "deaf", Ready)
	began := time.Now()
	if err := g.Stop(t.Context(), "deaf"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < budget || took > budget+200*time.Millisecond {
		t.Errorf("killed after %s, with a budget of %s", took, budget)
	}
	if err := syscall.Kill(row.PID, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("its process is still there: %v", err)
	}
}

func TestAPromptExitCostsNoWaiting(t *testing.T) {
	g := supervise(t, Service{Name: "ready", Command: child("ready"), Ready: Readiness{Notify: true}, Stop: Stop{Budget: 20 * time.Second}})
	g.await(t, "ready", Ready)
	began := time.Now()
	if err := g.Stop(t.Context(), "ready"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

func TestAGrandchildThatHoldsTheOutputDoesNotHoldUpTheRestart(t *testing.T) {
	var g *graphOf
	t.Cleanup(func() { // after all is stopped: without cgroups nobody else kills them
		for _, line := range g.services["parent"].log.Tail(1000) {
			var grandchild int
			if _, err := fmt.Sscanf(line.Text, "grandchild %d", &grandchild); err == nil {
				_ = syscall.Kill(grandchild, syscall.SIGKILL)
			}
		}
	})
	g = supervise(t, Service{Name: "parent", Command: child("parent"), Ready: Readiness{Notify: true}})
	row := g.await(t, "parent", Ready)
	began := time.Now()
	if err := syscall.Kill(row.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if row := g.await(t, "parent", Backoff); row.Reason != "killed by SIGKILL" {
		t.Errorf("the reason is %q", row.Reason)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the exit was seen after %s", took)
	}
}

func TestAHungServiceIsDumpedKilledAndStartedAnew(t *testing.T) {
	hung := make(chan struct{})
	g := supervise(t, Service{Name: "deaf", Command: child("deaf"), Ready: Readiness{
		Notify: true, Interval: 20 * time.Millisecond,
		Probe: func(context.Context) error {
			select {
			case <-hung:
				return errors.New("connection refused")
			default:
				return nil
			}
		},
	}})
	g.await(t, "deaf", Ready)
	close(hung)
	row := g.await(t, "deaf", Backoff)
	if want := "hangs: 3 probes failed, the last with: connection refused"; row.Reason != want {
		t.Errorf("the reason is %q, want %q", row.Reason, want)
	}
	dump := false
	for _, line := range g.services["deaf"].log.Tail(1000) {
		dump = dump || strings.Contains(line.Text, "goroutine ")
	}
	if !dump {
		t.Error("its stack is not in its log")
	}
}

func TestAClientThatConnectsStartsADeferredServiceAndIsServed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "service.sock")
	log := Service{Name: "late", Command: child("never-ready"), Ready: Readiness{Notify: true}}
	g := supervise(t, log, Service{
		Name: "activated", Command: child("activated"), Ready: Readiness{Notify: true},
		Defer: "late", Sockets: []Socket{{Path: path, Mode: 0o600}},
	})
	if row, _ := g.board.row("activated"); row.State != Waiting {
		t.Errorf("started before anybody connected: %s", row.State)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("%v; the service wrote %v", err, g.services["activated"].log.Tail(20))
	}
	row := g.await(t, "activated", Ready)
	if want := fmt.Sprintf("served by %d\n", row.PID); string(answer) != want {
		t.Errorf("the client got %q, want %q", answer, want)
	}
}

func TestTheWholeShutdownHasALimit(t *testing.T) {
	log := zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel))
	r := reaper.New(log)
	s, err := New(Graph{Services: []Service{
		{Name: "first", Command: child("deaf"), Ready: Readiness{Notify: true}, Stop: Stop{Budget: time.Minute}},
		{Name: "second", Command: child("deaf"), Ready: Readiness{Notify: true}, Needs: []string{"first"}, Stop: Stop{Budget: time.Minute}},
	}}, Options{Log: log, Reaper: r, LogDir: t.TempDir(), NotifyDir: t.TempDir(), StopBudget: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	reaping, stopReaping := context.WithCancel(context.Background())
	reaped := make(chan error, 1)
	go func() { reaped <- r.Run(reaping) }()
	ctx, cancel := context.WithCancel(context.Background())
	g := &graphOf{Supervisor: s, cancel: cancel, done: make(chan error, 1)}
	go func() { g.done <- s.Run(ctx) }()
	g.await(t, "second", Ready)
	if took := g.stop(t); took > 1500*time.Millisecond {
		t.Errorf("stopping took %s, with a limit of 500ms", took)
	}
	stopReaping()
	<-reaped
}
