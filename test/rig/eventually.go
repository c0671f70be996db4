package rig

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// Patience is how long something may take that takes d at most elsewhere:
// DOCKERNETES_PATIENCE times that.
func Patience(d time.Duration) time.Duration {
	times, err := strconv.Atoi(os.Getenv("DOCKERNETES_PATIENCE"))
	if err != nil || times < 1 {
		return d
	}
	return d * time.Duration(times)
}

// Timeout is kubectl's option for it.
func Timeout(d time.Duration) string { return "--timeout=" + Patience(d).String() }

// Eventually asks again and again, until check returns nil. It is for what
// can be neither waited for nor watched.
func Eventually(t testing.TB, within time.Duration, check func() error) {
	t.Helper()
	deadline := time.After(Patience(within))
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("not within %v: %v", within, err)
		case <-t.Context().Done():
			t.Fatal(err)
		}
	}
}
