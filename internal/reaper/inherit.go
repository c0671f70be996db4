package reaper

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file is about what a child inherits from the thread that forks it: the
// signal mask, the ignored signals, the descriptors and the cgroups.

// onOwnThread runs f on a new thread, which ends afterwards, so that what f
// changes of it (signal mask, cgroups) touches no other goroutine. It returns
// when the thread is gone: as long as it lived, it would show our own pid
// among the processes of the cgroups that it entered.
func onOwnThread(f func()) {
	ended := make(chan int)
	go func() {
		runtime.LockOSThread() // and never unlock: that ends the thread
		tid := unix.Gettid()
		if tid == os.Getpid() {
			// The main thread can't end. Keep it busy, and use another.
			onOwnThread(f)
			runtime.UnlockOSThread()
			tid = 0
		} else {
			f()
		}
		ended <- tid
	}()
	tid := <-ended
	for tid != 0 && unix.Tgkill(os.Getpid(), tid, 0) == nil {
		time.Sleep(20 * time.Microsecond)
	}
}

// unblockSignals empties the signal mask of this thread. Go's fork gives the
// child the mask of the forking thread.
func unblockSignals() error {
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &unix.Sigset_t{}, nil); err != nil {
		return fmt.Errorf("cannot unblock signals: %w", err)
	}
	return nil
}

// enterCgroups moves this thread, and only it, into cgroups of version 1. A
// forked child starts where the forking thread is, so it can't do anything
// outside of them, and its memory is charged to them from the first page.
func enterCgroups(dirs []string) error {
	tid := []byte(strconv.Itoa(unix.Gettid()))
	for _, dir := range dirs {
		if err := os.WriteFile(filepath.Join(dir, "tasks"), tid, 0); err != nil {
			return fmt.Errorf("cannot enter cgroup %s: %w", dir, err)
		}
	}
	return nil
}

// closeOthersOnExec makes every descriptor of ours close in a child. Go opens
// all of them that way; those that we were started with, and those of careless
// libraries, are not.
func closeOthersOnExec() error {
	err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	// Before Linux 5.11, one by one.
	fds, err := namesIn("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("cannot list own descriptors: %w", err)
	}
	for _, name := range fds {
		if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// sigaction is the kernel's struct of that name, the same on amd64 and arm64.
type sigaction struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// unignoreSignals sets each ignored signal back to its default. Go leaves some
// of them as they were inherited: SIGHUP and SIGINT (nohup), SIGTTIN.
func unignoreSignals() {
	const sigIgn, signals, maskSize = 1, 64, 8
	for sig := uintptr(1); sig <= signals; sig++ {
		var action sigaction
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&action)), maskSize, 0, 0)
		if errno == 0 && action.handler == sigIgn {
			unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&sigaction{})), 0, maskSize, 0, 0)
		}
	}
}
