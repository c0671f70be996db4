package supervisor

import (
	"fmt"
	"testing"
)

var (
	allStates = []State{Waiting, Starting, Ready, Backoff, Degraded, Stopping, Stopped, Failed}
	allEvents = []event{evNeedsMet, evNeedsLost, evReady, evFailed, evExhausted, evUnseen, evRetry, evStop, evDown, evStart}
)

// edges is the whole machine once more, as a user of it would draw it. What
// is not in it must change nothing.
var edges = map[string]string{
	"waiting + needs met":   "starting, start",
	"waiting + stop":        "stopped, ",
	"starting + ready":      "ready, ",
	"starting + failed":     "backoff, delay",
	"starting + exhausted":  "degraded, delay",
	"starting + needs lost": "waiting, drop",
	"starting + stop":       "stopping, stop",
	"ready + failed":        "backoff, delay",
	"ready + exhausted":     "degraded, delay",
	"ready + unseen":        "starting, start",
	"ready + needs lost":    "waiting, drop",
	"ready + stop":          "stopping, stop",
	"backoff + retry":       "starting, start",
	"backoff + start":       "starting, start",
	"backoff + needs lost":  "waiting, ",
	"backoff + stop":        "stopping, stop",
	"degraded + retry":      "degraded, start",
	"degraded + ready":      "ready, ",
	"degraded + failed":     "degraded, delay",
	"degraded + exhausted":  "degraded, delay",
	"degraded + stop":       "stopping, stop",
	"stopping + down":       "stopped, ",
	"stopped + start":       "waiting, ",
	"failed + start":        "waiting, ",
	"failed + stop":         "stopping, stop",
}

func TestEveryEventInEveryStateDoesWhatTheMachineSays(t *testing.T) {
	for _, kind := range []Kind{KindPhase, KindService, KindMilestone} {
		for _, s := range allStates {
			for _, e := range allEvents {
				name := fmt.Sprintf("%s + %s", s, e)
				want, known := edges[name]
				if kind == KindPhase && s == Starting && e == evExhausted {
					want = "failed, "
				}
				to, do, ok := next(kind, s, e)
				if ok != known {
					t.Errorf("%s %s: taken is %v, want %v", kind, name, ok, known)
					continue
				}
				if !ok {
					if to != s || do != actNone {
						t.Errorf("%s %s: an event that means nothing leads to %s, %s", kind, name, to, do)
					}
					continue
				}
				if got := fmt.Sprintf("%s, %s", to, do); got != want {
					t.Errorf("%s %s: got %q, want %q", kind, name, got, want)
				}
			}
		}
	}
}

func TestEveryStateCanBeLeftByAStop(t *testing.T) {
	for _, s := range allStates {
		if s == Stopping || s == Stopped {
			continue
		}
		if to, _, ok := next(KindService, s, evStop); !ok || (to != Stopping && to != Stopped) {
			t.Errorf("a stop of what is %s leads to %s", s, to)
		}
	}
}
