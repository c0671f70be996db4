package cli

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/internal/told"
)

// machine is a Machine whose units are ready at once.
type machine struct {
	*enginetest.Engine
	begun   chan struct{}
	goOn    chan struct{} // closed when the stop may end
	failure error
}

func newMachine(t *testing.T) *machine {
	m := &machine{Engine: enginetest.New(t, enginetest.Boot()...), begun: make(chan struct{}), goOn: make(chan struct{})}
	return m
}

func (m *machine) Run(ctx context.Context) error {
	m.AllReady()
	close(m.begun)
	if m.failure == nil {
		<-ctx.Done()
	}
	m.Halt()
	<-m.goOn
	m.End()
	return m.failure
}

// booting returns the Env of a PID 1 that runs m.
func booting(t *testing.T, m *machine) (e *Env, stdout, stderr *buffer) {
	t.Helper()
	e, stdout, stderr = world(t)
	e.PID = 1
	e.Boot = func(context.Context, string, *zap.Logger) (Machine, error) { return m, nil }
	return e, stdout, stderr
}

func TestEachSignalOfTheEndStopsEverythingAndASecondChangesNothing(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGPWR, told.SIGRTMIN3} {
		t.Run(signalName(s), func(t *testing.T) {
			m := newMachine(t)
			e, stdout, stderr := booting(t, m)
			code := start(context.Background(), e) // PID 1 without arguments
			<-m.begun
			stdout.await(t, "Kubernetes is ready after")
			if got := e.run(context.Background(), []string{"wait"}); got != 0 {
				t.Errorf("wait: got status %d: %s", got, stderr)
			}
			for range 2 {
				if err := syscall.Kill(os.Getpid(), s); err != nil {
					t.Fatal(err)
				}
				stdout.await(t, "Stopping.")
			}
			// The socket is there to the end.
			if got := e.run(context.Background(), []string{"wait"}); got != exitImpossible {
				t.Errorf("wait: got status %d", got)
			}
			if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			close(m.goOn)
			if got := <-code; got != 0 {
				t.Errorf("got status %d: %s", got, stderr)
			}
			for _, want := range []string{"Got " + signalName(s) + ".\n", "Everything is stopped after"} {
				if strings.Count(stdout.String(), want) != 1 {
					t.Errorf("there is no single %q in %s", want, stdout)
				}
			}
			for _, path := range []string{e.Socket, e.ReadyFile} {
				if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s is left: %v", path, err)
				}
			}
		})
	}
}

func TestTheEnginesNotifySocketIsToldAndHiddenFromChildren(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/podman/notify")
	m := newMachine(t)
	close(m.goOn)
	e, _, _ := booting(t, m)
	e.Getenv = os.Getenv
	told := make(chan string, 4)
	e.Notify = func(socket string, states ...string) error {
		told <- socket + " " + states[0]
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	code := start(ctx, e, "init")
	got := []string{<-told}
	if v, there := os.LookupEnv("NOTIFY_SOCKET"); there {
		t.Errorf("NOTIFY_SOCKET is still %q", v)
	}
	cancel()
	got = append(got, <-told)
	if <-code != 0 || !slices.Equal(got, []string{"/run/podman/notify READY=1", "/run/podman/notify STOPPING=1"}) {
		t.Errorf("got %q", got)
	}
}

func TestABootThatCannotBeginSaysWhyAndLeavesNothing(t *testing.T) {
	e, _, stderr := booting(t, nil)
	if err := os.WriteFile(e.ReadyFile, []byte("{}"), 0o600); err != nil { // of a killed predecessor
		t.Fatal(err)
	}
	e.Boot = func(_ context.Context, config string, _ *zap.Logger) (Machine, error) {
		return nil, errors.New("cannot use " + config + ": it is wrong")
	}
	if got := e.Main(context.Background(), []string{"/sbin/init"}); got != exitFailure {
		t.Errorf("got status %d", got)
	}
	if want := "dnetinit: cannot use /etc/dnetinit/config.yaml: it is wrong\n"; stderr.String() != want {
		t.Errorf("got %q", stderr)
	}
	for _, path := range []string{e.Socket, e.ReadyFile} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", path, err)
		}
	}
}

func TestAConfigurationThatIsNamedMustBeThere(t *testing.T) {
	e, _, stderr := booting(t, nil)
	if got := e.Main(context.Background(), []string{"init", "--config=/no/such/file"}); got != exitUsage {
		t.Errorf("got status %d", got)
	}
	if !strings.Contains(stderr.String(), "/no/such/file") {
		t.Errorf("got %q", stderr)
	}
}

func TestAMachineThatFailsEndsWithItsError(t *testing.T) {
	m := newMachine(t)
	m.failure = errors.New("no cgroups")
	close(m.goOn)
	e, _, stderr := booting(t, m)
	if got := e.Main(context.Background(), []string{"init"}); got != exitFailure || !strings.Contains(stderr.String(), "no cgroups") {
		t.Errorf("got status %d: %s", got, stderr)
	}
}
