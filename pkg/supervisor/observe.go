package supervisor

import (
	"context"
	"fmt"
	"time"
)

// How often something is asked that can only be asked, not told: at once,
// then after 10 ms, doubling to a quarter of a second.
const (
	firstPause   = 10 * time.Millisecond
	longestPause = 250 * time.Millisecond
	// oneLook is how long one question may take. A watch that saw nothing by
	// then says what is missing, and is asked again.
	oneLook = 2 * time.Second
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

// look asks once.
func look(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, oneLook)
	defer cancel()
	return ask(ctx)
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
	for m.Recheck > 0 {
		select {
		case <-time.After(m.Recheck):
		case <-ctx.Done():
			return nil
		}
		if err := look(ctx, m.Observe); err != nil {
			return fmt.Errorf("not seen any more: %w", err)
		}
	}
	<-ctx.Done()
	return nil
}

// attempt makes the phase a unit's attempt.
func (p Phase) attempt(ctx context.Context, _ *report) error { return p.Run(ctx) }
