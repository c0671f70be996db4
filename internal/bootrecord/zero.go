package bootrecord

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// FirstInstruction is when this process began to run Go code. Packages are
// initialised long before main, for tens of milliseconds in a program that
// holds kubeadm; package time is one of the first, and the monotonic clock of
// every [time.Time] counts from that moment.
func FirstInstruction() time.Time {
	now := time.Now()
	return now.Add(-sinceClockBegan(now))
}

// sinceClockBegan is the reading of the monotonic clock, which only
// [time.Time.String] shows: "… m=+0.012345678".
func sinceClockBegan(t time.Time) time.Duration {
	_, reading, found := strings.Cut(t.String(), " m=")
	if !found {
		return 0
	}
	d, err := time.ParseDuration(reading + "s")
	if err != nil {
		return 0
	}
	return d
}

// Forked is when this process was made, to 10 ms: by the container's runtime,
// which prepares it and only then executes the program.
func Forked() (time.Time, error) {
	data, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return time.Time{}, err
	}
	ticks, err := startTicks(data)
	if err != nil {
		return time.Time{}, err
	}
	var sinceBoot unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &sinceBoot); err != nil {
		return time.Time{}, fmt.Errorf("cannot read the clock that counts from the machine's boot: %w", err)
	}
	age := time.Duration(sinceBoot.Nano()) - time.Duration(ticks)*userTick
	return time.Now().Add(-age), nil
}

// userTick is the unit of times in /proc, USER_HZ, which is 100 per second on
// every architecture that Go compiles for.
const userTick = 10 * time.Millisecond

// startTicks is the 22nd field of a stat file. The second is the program's
// name, which may hold blanks and parentheses.
func startTicks(stat []byte) (int64, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return 0, fmt.Errorf("cannot read the start time in %q", stat)
	}
	return strconv.ParseInt(string(fields[19]), 10, 64)
}
