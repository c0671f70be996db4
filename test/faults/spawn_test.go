package faults

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestAProgramThatCannotBeStartedIsTriedAgainAndPID1Lives(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, m *machine, groups cgroups) (mend func() error)
		want   string
	}{
		{"ENOENT", func(t *testing.T, m *machine, _ cgroups) func() error {
			program := filepath.Join(m.dir, "program")
			if err := os.Rename(program, program+".away"); err != nil {
				t.Fatal(err)
			}
			return func() error { return os.Rename(program+".away", program) }
		}, "no such file or directory"},
		{"EACCES", func(t *testing.T, m *machine, _ cgroups) func() error {
			program := filepath.Join(m.dir, "program")
			if err := os.Chmod(program, 0o600); err != nil {
				t.Fatal(err)
			}
			return func() error { return os.Chmod(program, 0o700) }
		}, "permission denied"},
		{"ETXTBSY", func(t *testing.T, m *machine, _ cgroups) func() error {
			program := filepath.Join(m.dir, "program")
			open := copyProgram(t, program+".new") // it stays open for writing
			if err := os.Rename(program+".new", program); err != nil {
				t.Fatal(err)
			}
			return open.Close
		}, "text file busy"},
		{"EMFILE", func(t *testing.T, m *machine, _ cgroups) func() error {
			var before unix.Rlimit
			none := unix.Rlimit{Cur: 3}
			if err := unix.Prlimit(m.cmd.Process.Pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
				t.Fatal(err)
			}
			none.Max = before.Max
			if err := unix.Prlimit(m.cmd.Process.Pid, unix.RLIMIT_NOFILE, &none, nil); err != nil {
				t.Fatal(err)
			}
			return func() error { return unix.Prlimit(m.cmd.Process.Pid, unix.RLIMIT_NOFILE, &before, nil) }
		}, "too many open files"},
		{"EAGAIN", func(t *testing.T, m *machine, groups cgroups) func() error {
			limit := groups.file(t, "etcd", "pids.max")
			if err := os.WriteFile(limit, []byte("0"), 0); err != nil {
				t.Fatal(err)
			}
			return func() error { return os.WriteFile(limit, []byte("max"), 0) }
		}, "resource temporarily unavailable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			groups := makeCgroups(t)
			dir := directory(t)
			if err := copyProgram(t, filepath.Join(dir, "program")).Close(); err != nil {
				t.Fatal(err)
			}
			m := startIn(t, dir, "program", groups.setting())
			pid := m.await(t, "etcd", supervisor.Ready).Status.PID
			m.await(t, "ready", supervisor.Ready)
			mend := tt.damage(t, m, groups)
			m.kill(t, pid, syscall.SIGKILL)
			first := m.awaitEvent(t, "a start that fails with "+tt.want, func(e supervisor.Event) bool {
				return e.Unit == "etcd" && e.To == supervisor.Backoff && strings.Contains(e.Reason, tt.want)
			})
			second := m.await(t, "etcd", supervisor.Backoff)
			if pause := second.Time.Sub(first.Time); pause < firstDelay {
				t.Errorf("the next try came after %s", pause)
			}
			if err := mend(); err != nil {
				t.Fatal(err)
			}
			until(t, "PID 1 answers", func() bool { _, err := m.Ready(t.Context()); return err == nil })
			if err := m.Start(t.Context(), "etcd"); err != nil {
				t.Fatal(err)
			}
			until(t, "the readiness file is there", func() bool { return exists(t, m.dir, "ready") })
			if u := m.unit(t, "beside"); u.State != supervisor.Ready || u.Restarts != 0 {
				t.Errorf("the service beside it: %+v", u)
			}
			m.stop(t)
		})
	}
}

// firstDelay is the shortest pause before a restart.
const firstDelay = 500e6

// copyProgram copies this program, and leaves the copy open.
func copyProgram(t *testing.T, path string) *os.File {
	t.Helper()
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(errors.Join(err, to.Close()))
	}
	return to
}
