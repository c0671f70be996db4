// Package told hears the signals that mean stop from the process's first
// moment on. The kernel drops a signal to PID 1 that nobody has asked for, and
// it takes a big program some 50 ms, on a busy machine far longer, to
// initialise its packages and come to main: "docker stop" right after "docker
// start" would be in vain, and end in SIGKILL.
//
// That it listens from its own initialisation is the whole point, so this
// package imports nothing that takes time and is imported by main for it.
package told

import (
	"os"
	"os/signal"
	"syscall"
)

// SIGRTMIN3 is SIGRTMIN+3, with which systemd as PID 1 is told to halt, and
// which engines send therefore: glibc keeps 32 and 33 for itself.
const SIGRTMIN3 = syscall.Signal(37)

// Stop are the signals that mean stop.
func Stop() []os.Signal {
	return []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGPWR, SIGRTMIN3}
}

var early = listen()

func listen() chan os.Signal {
	c := make(chan os.Signal, 1)
	if os.Getpid() == 1 {
		signal.Notify(c, Stop()...)
	}
	return c
}

// Early receives the first of these signals that came since the process
// began, if it is PID 1; else nothing ever.
func Early() <-chan os.Signal { return early }
