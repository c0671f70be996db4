package reaper

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// siginfo is the kernel's siginfo_t as waitid fills it. The one of package
// unix does not show the pid.
type siginfo struct {
	Signo, Errno, Code, _ int32
	PID                   int32
	UID                   uint32
	Status                int32
	_                     [100]byte
}

// peek returns the pid of a zombie among the children that idType and id
// select, and leaves it as it is. It returns 0 if there is none.
func peek(idType, id int) (int, error) {
	for {
		var info siginfo
		err := unix.Waitid(idType, id, (*unix.Siginfo)(unsafe.Pointer(&info)),
			unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		switch {
		case err == unix.EINTR:
		case err == unix.ECHILD:
			return 0, nil
		case err != nil:
			return 0, err
		default:
			return int(info.PID), nil
		}
	}
}

// inOwnGroup tells if pid is in our own process group. That is where os/exec
// leaves its children; ours get a session of their own.
func inOwnGroup(pid int) bool {
	group, err := unix.Getpgid(pid)
	return err == nil && group == unix.Getpgrp()
}

// allProcesses returns the pids of all processes that can be seen. It does not
// use /proc/self/task/*/children, which may leave out some while others exit.
func allProcesses() ([]int, error) {
	names, err := namesIn("/proc")
	if err != nil {
		return nil, fmt.Errorf("cannot list processes: %w", err)
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// ownPidfds returns the processes that a descriptor of this process refers to.
func ownPidfds() (map[int]bool, error) {
	const dir = "/proc/self/fdinfo"
	fds, err := namesIn(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot list own descriptors: %w", err)
	}
	pids := map[int]bool{}
	for _, fd := range fds {
		text, err := os.ReadFile(filepath.Join(dir, fd))
		if errors.Is(err, os.ErrNotExist) {
			continue // closed in the meantime: whoever waited is done
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read what descriptor %s is: %w", fd, err)
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "Pid:"); ok {
				if pid, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
					pids[pid] = true
				}
			}
		}
	}
	return pids, nil
}

// pidfdsShownInProc tells if [ownPidfds] can be trusted: the kernel has pidfds
// and /proc is that of our own pid namespace.
func pidfdsShownInProc() bool {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	pids, err := ownPidfds()
	return err == nil && pids[os.Getpid()]
}

// namesIn lists a directory without sorting it.
func namesIn(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
