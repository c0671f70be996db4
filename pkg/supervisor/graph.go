package supervisor

import (
	"context"
	"os"
	"syscall"
	"time"
)

// Graph is everything that a [Supervisor] runs. The order of the lists has no
// meaning: only Needs decides what starts when.
type Graph struct {
	Phases     []Phase
	Services   []Service
	Milestones []Milestone
}

// Phase is work that is done once a boot: certificates, mounts, addons. It is
// idempotent, as it runs again after a failure and at each start of the
// container.
type Phase struct {
	Name    string
	Summary string   // what it does, in a few words
	Needs   []string // the units that must be ready before it runs

	// Run does the work. An error is retried with backoff, three tries in all.
	// An error wrapped by [Final] is not retried.
	Run func(ctx context.Context) error

	// Undo, if there is one, runs at the shutdown, once every unit that needs
	// this phase is down and only if Run had begun.
	Undo func(ctx context.Context) error
}

// Service is a program that is kept running.
type Service struct {
	Name    string
	Summary string
	Needs   []string

	Command []string // argv; Command[0] is an absolute path or is looked up in PATH
	Env     []string // "NAME=value", added to the supervisor's own environment

	// Sockets are opened when the supervisor starts and handed over as
	// systemd's socket activation does (LISTEN_FDS, from descriptor 3 on).
	// They stay open over restarts of the service: a client that connects
	// while it is down just waits.
	Sockets []Socket

	// Defer names a unit to wait for as well, unless a client connects to one
	// of Sockets before.
	Defer string

	Ready Readiness
	Stop  Stop
}

// Readiness is how a service says that it is ready. With Notify and Probe
// both set, Probe is asked once the notification is there.
type Readiness struct {
	// Notify: the program sends READY=1 to $NOTIFY_SOCKET (sd_notify).
	Notify bool

	// Probe returns nil when the service does its work. Until then it is
	// called again and again, 10 ms apart at first and at most 250 ms.
	// Afterwards it is called every Interval and may take as long as that, 2 s
	// at least. Three failures in a row mean that the service hangs: it gets
	// SIGQUIT, so that its stack is in its log, and is killed and started anew.
	Probe func(ctx context.Context) error

	Timeout  time.Duration // how long it may take to become ready; 0 means 4 minutes
	Interval time.Duration // between two probes once it is ready; 0 means 10 s
}

// Stop is how a service is stopped.
type Stop struct {
	Signal syscall.Signal // 0 means SIGTERM
	Budget time.Duration  // from the signal to SIGKILL; 0 means 3 s

	// KeepChildren leaves the other processes of the service's cgroup alone
	// when only this service stops or restarts: containerd's shims, that is,
	// the pods. When the whole graph stops they are killed all the same.
	KeepChildren bool
}

// Socket is a listening unix socket that the supervisor opens for a service.
type Socket struct {
	Path string
	Mode os.FileMode
	// Group owns the socket where such a group exists; "" means root.
	Group string
}

// Milestone is a named point of the boot that is observed, never guessed. It
// is ready while all its needs are and Observe, when last asked, saw it.
type Milestone struct {
	Name    string
	Summary string
	Needs   []string

	// Observe returns nil once the milestone is seen, or an error that says
	// what is still missing. It may block for as long as ctx lives, so that it
	// can watch instead of poll. A nil Observe is seen as soon as the needs
	// are ready.
	Observe func(ctx context.Context) error

	// Recheck is the time between two observations of a milestone that has
	// been seen, which it is until three in a row were in vain; 0 means that
	// it is not asked again while its needs are ready.
	Recheck time.Duration
}
