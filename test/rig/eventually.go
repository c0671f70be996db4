package rig

import (
	"testing"
	"time"
)

// Eventually asks again and again, until check returns nil. It is for what
// can be neither waited for nor watched.
func Eventually(t testing.TB, within time.Duration, check func() error) {
	t.Helper()
	deadline := time.After(within)
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
