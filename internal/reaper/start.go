package reaper

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Spec says what to start. The child gets a session of its own, no blocked or
// ignored signals, and no descriptor that is not named here.
type Spec struct {
	// Path is the program. Without a slash it is looked up in our own PATH.
	Path string
	Args []string // the whole argv; empty means just Path
	Env  []string // the whole environment, "NAME=value"; nothing is added to it
	Dir  string   // the working directory; "" means ours

	Stdin, Stdout, Stderr *os.File // nil means /dev/null

	// ExtraFiles become descriptors 3 and up, in this order. Whether they
	// block stays as it is, as the file may be in use here as well.
	ExtraFiles []*os.File

	// ListenFDs announces ExtraFiles as systemd's socket activation does, by
	// LISTEN_FDS and LISTEN_PID. It needs /bin/sh, and argv[0] is then always
	// Path, see [activated].
	ListenFDs bool

	// CgroupFD is a directory of cgroup v2 that the child is born in, if > 0.
	CgroupFD int
	// Cgroups are directories of cgroup v1 that the child is born in, at most
	// one of each hierarchy.
	Cgroups []string
}

// Start starts a process and returns once it runs the program, or with the
// reason why it can't. It may be called from any goroutine, and before Run.
// No exit is too early to be seen.
func (r *Reaper) Start(s Spec) (*Process, error) {
	p, err := r.start(s)
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", s.Path, err)
	}
	return p, nil
}

func (r *Reaper) start(s Spec) (*Process, error) {
	path, err := exec.LookPath(s.Path)
	if err != nil {
		if e, ok := err.(*exec.Error); ok {
			err = e.Err // the path is named already
		}
		return nil, err
	}
	argv := s.Args
	if len(argv) == 0 {
		argv = []string{s.Path}
	}
	env := s.Env
	if s.ListenFDs {
		path, argv, env = activated(path, argv, env, len(s.ExtraFiles))
	}
	if env == nil {
		env = []string{} // package syscall would pass on our own
	}
	files, closeFiles, err := s.descriptors()
	if err != nil {
		return nil, err
	}
	defer closeFiles()
	if err := closeOthersOnExec(); err != nil {
		return nil, err
	}

	attr := &syscall.ProcAttr{Dir: s.Dir, Env: env, Files: files, Sys: &syscall.SysProcAttr{
		Setsid:      true,
		UseCgroupFD: s.CgroupFD > 0,
		CgroupFD:    s.CgroupFD,
	}}
	p := &Process{done: make(chan struct{})}
	onOwnThread(func() {
		if err = unblockSignals(); err != nil {
			return
		}
		if err = enterCgroups(s.Cgroups); err != nil {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if p.pid, err = syscall.ForkExec(path, argv, attr); err == nil {
			r.started[p.pid] = p
		}
	})
	runtime.KeepAlive(s)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// activated wraps a command so that it finds LISTEN_PID in its environment.
// That must be the pid of the program itself, and nothing can be changed
// between fork and exec in Go. So a shell, which knows its own pid, exports it
// and becomes the program.
func activated(path string, argv, env []string, fds int) (string, []string, []string) {
	const sh = "/bin/sh"
	const script = `export LISTEN_PID=$$; exec "$@"`
	wrapped := append([]string{sh, "-c", script, sh, path}, argv[1:]...)
	kept := make([]string, 0, len(env)+1)
	for _, v := range env {
		if !strings.HasPrefix(v, "LISTEN_") {
			kept = append(kept, v)
		}
	}
	return sh, wrapped, append(kept, "LISTEN_FDS="+strconv.Itoa(fds))
}

// descriptors returns the descriptors of the child, and a function that closes
// what was opened for it.
func (s Spec) descriptors() (fds []uintptr, closeNull func(), err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			null.Close()
		}
	}()
	for _, f := range []*os.File{s.Stdin, s.Stdout, s.Stderr} {
		if f == nil {
			f = null
		}
		// Fd makes it blocking, which every program expects of these three.
		fds = append(fds, f.Fd())
	}
	for i, f := range s.ExtraFiles {
		conn, err := f.SyscallConn()
		if err == nil {
			err = conn.Control(func(fd uintptr) { fds = append(fds, fd) })
		}
		if err != nil {
			return nil, nil, fmt.Errorf("cannot pass descriptor %d: %w", i+3, err)
		}
	}
	return fds, func() { null.Close() }, nil
}
