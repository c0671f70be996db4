// Command pause is the only process of a pod's sandbox: it holds the pod's
// namespaces and does nothing else. Where a pod shares one process namespace it
// is process 1 of it, so it also reaps what the pod's containers orphan.
package main

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	runtime.GOMAXPROCS(1) // a pod's smallest process: one thread is plenty

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	reap() // children that ended before we listened
	wait(signals, reap)
}

// wait returns at the first signal that is not SIGCHLD, and calls reap at each
// that is.
func wait(signals <-chan os.Signal, reap func() int) {
	for s := range signals {
		if s != syscall.SIGCHLD {
			return
		}
		reap()
	}
}

// reap collects every child that has ended and returns how many there were. One
// SIGCHLD may stand for many, hence the loop.
func reap() int {
	for n := 0; ; {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil || pid <= 0:
			return n
		default:
			n++
		}
	}
}
