package supervisor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zaptest"
)

func TestAnAnswerMayTakeUntilTheNextQuestionIsDue(t *testing.T) {
	for name, test := range map[string]struct {
		takes time.Duration
		hangs bool
	}{
		"at once":                                {0, false},
		"as long as where the CPU is short":      {9 * time.Second, false},
		"longer than until the next is due":      {11 * time.Second, true},
		"forever, as from a process that stands": {time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := service{options: Options{Log: zaptest.NewLogger(t)}}
				s.Ready.Interval = probeInterval
				s.Ready.Probe = func(ctx context.Context) error {
					select {
					case <-time.After(test.takes):
						return nil
					case <-ctx.Done():
						return errors.New("no answer")
					}
				}
				r := &report{unit: "slow", board: newBoard([]Status{{Name: "slow", State: Ready}})}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				hangs := make(chan error, 1)
				s.probe(ctx, r, hangs)
				if got := len(hangs) == 1; got != test.hangs {
					t.Errorf("it hangs: %v, want %v", got, test.hangs)
				}
			})
		})
	}
}
