package supervisor

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// How often something is asked that can only be asked, not told: at once,
// then after 10 ms, doubling to a quarter of a second.
const (
	firstPause   = 10 * time.Millisecond
	longestPause = 250 * time.Millisecond
	// oneLook is how long one question may take. A watch that saw nothing by
	// then says what is missing, and is asked again. It is the least that a
	// service that is ready gets for an answer.
	oneLook = 2 * time.Second

	// A milestone that was seen is lost after this many looks in vain, the
	// second and third of which follow quickly.
	missesToLose = 3
	afterMiss    = 500 * time.Millisecond
)

// until asks ask until it returns nil or ctx ends, and tells missing of each
// error that differs from the one before.
func until(ctx context.Context, ask func(context.Context) error, missing func(error)) error {
	pause := firstPause
	last := ""
	for {
		began := time.Now()
		err := look(ctx, ask)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		if err.Error() != last {
			last = err.Error()
			missing(err)
		}
		if rest := pause - time.Since(began); rest > 0 {
			select {
			case <-time.After(rest):
			case <-ctx.Done():
				return err
			}
		}
		pause = min(2*pause, longestPause)
	}
}

// look asks once, for as long as one look may take.
func look(ctx context.Context, ask func(context.Context) error) error {
	return lookFor(ctx, oneLook, ask)
}

// lookFor asks once. A question that panics is one that got no answer.
func lookFor(ctx context.Context, limit time.Duration, ask func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer recoverTo(&err)
	return ask(ctx)
}

// recoverTo makes a panic of the function that defers it an error: PID 1 must
// outlive whatever it calls.
func recoverTo(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// attempt makes the milestone a unit's attempt: it observes until it sees the
// milestone, and from then on looks again every m.Recheck.
func (m Milestone) attempt(ctx context.Context, r *report) error {
	if m.Observe == nil {
		r.ready()
		<-ctx.Done()
		return nil
	}
	if err := until(ctx, m.Observe, r.missing); err != nil {
		return err
	}
	r.ready()
	if m.Recheck == 0 {
		<-ctx.Done()
		return nil
	}
	pause := m.Recheck
	for misses := 0; ; {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		err := look(ctx, m.Observe)
		if err == nil {
			misses, pause = 0, m.Recheck
			continue
		}
		// One lost packet is not the end of DNS.
		pause = afterMiss
		if misses++; misses == missesToLose {
			return fmt.Errorf("not seen any more: %w", err)
		}
	}
}

// attempt makes the phase a unit's attempt.
func (p Phase) attempt(ctx context.Context, _ *report) error { return p.Run(ctx) }
