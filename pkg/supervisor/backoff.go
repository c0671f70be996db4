package supervisor

import (
	"math/rand/v2"
	"time"
)

// The curve of restarts is Pebble's: half a second, doubled with each failure
// up to half a minute, and a tenth of it at random, so that services which
// failed together do not come back in step.
const (
	firstDelay  = 500 * time.Millisecond
	longestWait = 30 * time.Second
	jitter      = 0.1
	// settled is how long a service must have been ready for its failures to
	// be forgotten. What can't work fails at once. kube-controller-manager
	// gives up 10 s after its start as long as the API server is not done with
	// RBAC's rules, which takes minutes where the CPU is very short; that it
	// starts again and again then is no reason to despair of it.
	settled = 8 * time.Second

	// phaseTries and serviceTries are the budgets: how many failures in a row
	// make a phase failed, or a service degraded.
	phaseTries   = 3
	serviceTries = 5
)

// delay returns the pause after the failure numbered failures, which counts
// from 1. random is from [0, 1) and places it within the jitter.
func delay(failures int, random float64) time.Duration {
	d := firstDelay
	for range failures - 1 {
		if d *= 2; d >= longestWait {
			d = longestWait
			break
		}
	}
	return d + time.Duration(jitter*random*float64(d))
}

func randomDelay(failures int) time.Duration { return delay(failures, rand.Float64()) }
