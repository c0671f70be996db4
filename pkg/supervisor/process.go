package supervisor

import (
	"slices"
	"strings"

	"github.com/lyft/dockernetes/internal/notify"
	"github.com/lyft/dockernetes/internal/reaper"
)

// process is one run of a service's program.
type process struct {
	*reaper.Process
	notify *notify.Socket
	told   chan struct{} // closed at the first READY=1
}

func (p *process) exited() bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// launch starts the service's program: in its cgroup, with its log as
// standard output, its sockets from descriptor 3 on, and a notify socket that
// only this run of it knows.
func (s *service) launch() (*process, error) {
	p := &process{told: make(chan struct{})}
	started := make(chan struct{})
	defer close(started)
	var err error
	p.notify, err = notify.Listen(s.options.NotifyDir, s.Name, func(pid int) bool {
		<-started // it may be quicker with its message than we with its pid
		return p.Process != nil && s.owns(p.PID(), pid)
	})
	if err != nil {
		return nil, err
	}
	if p.Process, err = s.exec(p.notify.Path()); err != nil {
		p.notify.Close()
		return nil, err
	}
	go p.listen()
	return p, nil
}

func (s *service) exec(notifySocket string) (*reaper.Process, error) {
	output, err := s.log.Writer()
	if err != nil {
		return nil, err
	}
	defer output.Close()
	sockets, err := s.sockets.files()
	if err != nil {
		return nil, err
	}
	defer closeAll(sockets)
	spec := reaper.Spec{
		Path:       s.Command[0],
		Args:       s.Command,
		Env:        lastOfEach(slices.Concat(environment(s.options.Env), s.Env, []string{"NOTIFY_SOCKET=" + notifySocket})),
		Stdout:     output,
		Stderr:     output,
		ExtraFiles: sockets,
		ListenFDs:  len(sockets) > 0,
	}
	if err := s.enterGroup(&spec); err != nil {
		return nil, err
	}
	return s.options.Reaper.Start(spec)
}

// owns tells whether a process is the service's: its main one, or one in its
// cgroup. READY=1 from anybody else means nothing.
func (s *service) owns(main, pid int) bool {
	if pid == main {
		return true
	}
	g := s.group.Load()
	return g != nil && (*g).Contains(pid)
}

// listen drains the notify socket until it is closed.
func (p *process) listen() {
	for m := range p.notify.Messages() {
		if m.Ready {
			select {
			case <-p.told:
			default:
				close(p.told)
			}
		}
	}
}

// private are the prefixes of variables that are addressed to the supervisor
// itself. DNET_ is its own configuration, which may hold a secret.
var private = []string{"NOTIFY_SOCKET=", "LISTEN_", "WATCHDOG_", "DNET_"}

// environment is what every service inherits: all of env but the private ones.
func environment(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return slices.ContainsFunc(private, func(prefix string) bool { return strings.HasPrefix(v, prefix) })
	})
}

// lastOfEach drops a variable that is set again further on: of two, most
// programs would take the first.
func lastOfEach(env []string) []string {
	seen := map[string]bool{}
	var kept []string
	for _, v := range slices.Backward(env) {
		if name, _, _ := strings.Cut(v, "="); !seen[name] {
			seen[name] = true
			kept = append(kept, v)
		}
	}
	slices.Reverse(kept)
	return kept
}
