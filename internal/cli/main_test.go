package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/bootrecord"
	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/internal/readiness"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// TestMain lets the test binary be dnetinit and systemctl in the scripts.
func TestMain(m *testing.M) {
	program := func() {
		version = "v1.0.0"
		e := System()
		dir := os.Getenv("RUN")
		e.Socket = filepath.Join(dir, "socket")
		e.ReadyFile = filepath.Join(dir, "ready")
		e.VersionsFile = filepath.Join(dir, "versions.json")
		e.AdminConf = filepath.Join(dir, "admin.conf")
		e.ServerCert = filepath.Join(dir, "apiserver.crt")
		e.Boots.Dir = filepath.Join(dir, "boots")
		e.IsInit = func() bool { return os.Getenv("PID1") == "dnetinit" }
		e.Signal1 = func(s syscall.Signal) error {
			return os.WriteFile(filepath.Join(dir, "signal"), []byte(s.String()+"\n"), 0o600)
		}
		os.Exit(e.Main(context.Background(), os.Args))
	}
	testscript.Main(leakless{m}, map[string]func(){"dnetinit": program, "systemctl": program})
}

// leakless fails the tests if they leave goroutines.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	code := l.m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			// The path of a socket must be short.
			dir, err := os.MkdirTemp("", "cli")
			if err != nil {
				return err
			}
			env.Defer(func() { os.RemoveAll(dir) })
			env.Setenv("RUN", dir)
			env.Setenv("PID1", "dnetinit")
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Values["engine"] = enginetest.New(t, enginetest.Boot()...)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"engine": engineCommand},
	})
}

// engineCommand is the scripts' hand on the engine behind the socket.
func engineCommand(ts *testscript.TestScript, _ bool, args []string) {
	e := ts.Value("engine").(*enginetest.Engine)
	verb, args := args[0], args[1:]
	unit := func(change func(u *supervisor.Status)) { e.Change(args[0], change) }
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		ts.Check(err)
		return n
	}
	switch verb {
	case "serve": // the socket is there from now on
		l, err := control.Listen(filepath.Join(ts.Getenv("RUN"), "socket"))
		ts.Check(err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		server := control.NewServer(e, control.Versions{"dnetinit": "v1.0.0"}, zap.NewNop())
		server.Chaos = true
		recorder := &bootrecord.Recorder{Engine: e, Zero: enginetest.Start, Log: zap.NewNop()}
		server.Record = recorder.Record
		go func() { done <- server.Serve(ctx, l) }()
		ts.Defer(func() {
			cancel()
			ts.Check(<-done)
		})
	case "readyfile": // keeps the readiness file until the script ends
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		f := readiness.File{Path: filepath.Join(ts.Getenv("RUN"), "ready"), Engine: e, Log: zap.NewNop()}
		go func() { done <- f.Run(ctx) }()
		ts.Defer(func() {
			cancel()
			ts.Check(<-done)
		})
		until(ts, func() bool {
			u, _ := e.Snapshot().Unit("ready")
			_, err := readiness.Read(f.Path)
			return (err == nil) == (u.State == supervisor.Ready)
		})
	case "ready":
		e.AllReady(args...)
	case "state": // UNIT STATE [REASON]
		unit(func(u *supervisor.Status) {
			u.State = supervisor.State(args[1])
			if u.State != supervisor.Waiting {
				u.WaitsFor = nil
			}
			u.Reason = strings.Join(args[2:], " ")
		})
	case "process": // UNIT PID RESTARTS MiB
		unit(func(u *supervisor.Status) {
			u.PID, u.Restarts, u.Memory, u.CPU = number(args[1]), number(args[2]), uint64(number(args[3]))<<20, 1.25
		})
	case "lastlog": // UNIT LINE…
		unit(func(u *supervisor.Status) { u.LastLog = args[1:] })
	case "write": // SERVICE LINE…
		e.Write(silent{}, args[0], args[1:]...)
	case "at":
		d, err := time.ParseDuration(args[0])
		ts.Check(err)
		e.At(enginetest.Start.Add(d))
	case "halt":
		e.Halt()
	case "refuse":
		e.Refuse(fmt.Errorf("%s", strings.Join(args, " ")))
	case "harmed": // waits until it is
		until(ts, func() bool {
			u, _ := e.Snapshot().Unit(args[0])
			return u.Chaos != ""
		})
	case "was-told":
		if !slices.Contains(e.Calls(), strings.Join(args, " ")) {
			ts.Fatalf("the engine was told %q", e.Calls())
		}
	default:
		ts.Fatalf("the engine does not know %q", verb)
	}
}

// silent is a testing.TB for what can't fail within a script.
type silent struct{ testing.TB }

func (silent) Helper()           {}
func (silent) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func until(ts *testscript.TestScript, met func() bool) {
	for deadline := time.Now().Add(10 * time.Second); !met(); {
		if time.Now().After(deadline) {
			ts.Fatalf("waited for too long")
		}
		time.Sleep(time.Millisecond)
	}
}
