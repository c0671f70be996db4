package supervisor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// attempt is one try of a unit. It calls r.ready once the unit is ready, and
// returns when nothing of the try is left. Its error says why it ended; nil
// means that a phase is done. When ctx is cancelled it ends in good order.
type attempt func(ctx context.Context, r *report) error

// unit is a node of the graph together with the goroutine that owns it: all
// fields below the first block are that goroutine's alone.
type unit struct {
	name      string
	kind      Kind
	needs     []string
	deferTo   string          // wait for this unit as well, unless wanted
	wanted    <-chan struct{} // receives when a client connects to the unit's socket
	needers   []string        // the units that need this one; they stop first
	tries     int             // failures in a row that exhaust the budget
	try       attempt
	undo      func(context.Context) error
	board     *board
	commands  chan command
	stopLimit <-chan struct{} // closed when the time to stop in good order is over

	state    State
	isWanted bool
	begun    bool
	failures int
	readyAt  time.Time
	again    bool // start once more when it is down
	cancel   context.CancelFunc
	readyC   chan struct{}
	doneC    chan error
	retryC   <-chan time.Time
}

// command is what somebody asks of a unit.
type command struct {
	do    event // evStart or evStop
	again bool  // with evStop: start afterwards
	reply chan error
}

// run owns the unit until the graph is stopped and the unit is down.
func (u *unit) run() {
	u.state = Waiting
	for {
		changed := u.board.changed()
		u.look()
		if u.state == Stopped && u.board.isStopping() {
			return
		}
		select {
		case <-changed:
		case c := <-u.commands:
			c.reply <- u.obey(c)
		case <-u.wanted:
			u.isWanted = true
			u.wanted = nil
		case <-u.readyC:
			u.becomeReady()
		case err := <-u.doneC:
			u.ended(err)
		case <-u.retryC:
			u.retryC = nil
			switch {
			case u.board.isStopping():
			case u.kind == KindPhase && u.lacksNeeds():
				u.apply(evNeedsLost, nil)
			default:
				u.apply(evRetry, nil)
			}
		}
	}
}

// look compares the unit with the board: it starts it when its needs are
// ready, takes a milestone back when they are not, and stops it when the
// graph stops and nobody needs it any more.
func (u *unit) look() {
	if u.board.isStopping() {
		if len(u.board.missing(u.needers, Stopped)) == 0 {
			u.apply(evStop, nil)
		}
		return
	}
	missing := u.board.missing(u.needs, Ready)
	switch {
	case u.state == Waiting:
		if u.deferTo != "" && !u.isWanted {
			missing = append(missing, u.board.missing([]string{u.deferTo}, Ready)...)
		}
		if len(missing) == 0 && u.doneC == nil {
			u.apply(evNeedsMet, nil)
			return
		}
		if row, _ := u.board.row(u.name); !slices.Equal(row.WaitsFor, missing) {
			u.board.update(u.name, func(s *Status) { s.WaitsFor = missing })
		}
	case u.kind == KindMilestone && len(missing) > 0:
		u.apply(evNeedsLost, nil)
	}
}

// apply lets an event happen: it moves the unit along the state machine,
// writes its row and does what the move asks for.
func (u *unit) apply(e event, reason error) {
	to, do, ok := next(u.kind, u.state, e)
	if !ok {
		return
	}
	u.state = to
	restarted := do == actStart && u.begun && u.kind == KindService
	u.board.update(u.name, func(s *Status) {
		s.State = to
		if to != Waiting {
			s.WaitsFor = nil
		}
		if restarted {
			s.Restarts++
		}
		if do == actStart && s.Begun.IsZero() {
			s.Begun = time.Now()
		}
		switch {
		case reason != nil:
			s.Reason = reason.Error()
			s.LastLog = lastLog(reason)
		case to == Ready || to == Stopped || to == Waiting:
			s.Reason, s.LastLog = "", nil
		}
		if to == Ready && s.ReadyAt.IsZero() {
			s.ReadyAt = time.Now()
		}
	})
	switch do {
	case actStart:
		u.start()
	case actDelay:
		u.retryC = time.After(randomDelay(u.failures))
	case actStop:
		u.stop()
	case actDrop:
		u.cancel()
	}
}

// start begins an attempt.
func (u *unit) start() {
	ctx, cancel := context.WithCancel(context.Background())
	u.begun = true
	u.cancel = cancel
	u.retryC = nil
	readyC, doneC := make(chan struct{}), make(chan error, 1)
	u.readyC, u.doneC = readyC, doneC
	r := &report{unit: u.name, board: u.board, readyC: readyC}
	go func() {
		defer cancel()
		doneC <- func() (err error) {
			defer recoverTo(&err)
			return u.try(ctx, r)
		}()
	}()
}

// stop ends the attempt, if one runs, and at the shutdown undoes what the unit
// did. evDown follows through doneC.
func (u *unit) stop() {
	u.retryC = nil
	running, down := u.doneC, make(chan error, 1)
	u.doneC = down
	if u.cancel != nil {
		u.cancel()
	}
	undo := u.undo
	if !u.board.isStopping() || !u.begun {
		undo = nil
	}
	go func() {
		if running != nil {
			<-running
		}
		if undo != nil {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			undone := make(chan error, 1)
			go func() {
				undone <- func() (err error) {
					defer recoverTo(&err)
					return undo(ctx)
				}()
			}()
			select {
			case err := <-undone:
				down <- err
				return
			case <-u.stopLimit:
				cancel()
				<-undone
			}
		}
		down <- nil
	}()
}

func (u *unit) becomeReady() {
	u.readyC = nil
	u.readyAt = time.Now()
	u.apply(evReady, nil)
}

// ended is called when an attempt is over and nothing of it is left.
func (u *unit) ended(err error) {
	if u.readyC != nil {
		select {
		case <-u.readyC: // it was ready before it ended: that state is not to be skipped
			u.becomeReady()
		default:
		}
	}
	u.doneC, u.readyC = nil, nil
	switch {
	case u.state == Stopping:
		u.apply(evDown, err) // of Undo
		if u.again {
			u.again = false
			u.apply(evStart, nil)
		}
	case u.state == Waiting: // a milestone that was dropped
	case u.kind == KindPhase && err == nil:
		u.becomeReady()
	case u.kind == KindMilestone:
		u.apply(evUnseen, err)
	default:
		u.failed(err)
	}
}

func (u *unit) failed(err error) {
	if u.state == Ready && time.Since(u.readyAt) >= settled {
		u.failures = 0
	}
	var final finalError
	isFinal := errors.As(err, &final)
	if u.kind == KindPhase && !isFinal && u.lacksNeeds() {
		// A phase that needs the API server can't but fail while that is down.
		// It is no fault of its own, and it waits for its needs once more.
		u.apply(evFailed, err)
		return
	}
	u.failures++
	if u.failures >= u.tries || isFinal {
		u.apply(evExhausted, err)
		return
	}
	u.apply(evFailed, err)
}

// lacksNeeds tells whether something that the unit needs is not ready (any more).
func (u *unit) lacksNeeds() bool { return len(u.board.missing(u.needs, Ready)) > 0 }

// obey carries out what somebody asks for.
func (u *unit) obey(c command) error {
	switch {
	case u.kind != KindService:
		return fmt.Errorf("cannot start or stop %s: it is a %s, and only services can be", u.name, u.kind)
	case u.board.isStopping():
		return fmt.Errorf("cannot start or stop %s: everything is being stopped", u.name)
	}
	u.failures = 0
	switch {
	case c.do == evStop && (!c.again || u.doneC != nil):
		u.again = c.again
		u.apply(evStop, nil)
	case u.state == Stopping:
		u.again = true
	case u.state == Degraded && u.doneC == nil:
		u.apply(evRetry, nil)
	default:
		u.apply(evStart, nil)
	}
	return nil
}

// report is how an attempt tells what it sees.
type report struct {
	unit   string
	board  *board
	readyC chan struct{}
}

// ready says that the unit is ready. To be called once.
func (r *report) ready() { close(r.readyC) }

// missing says what a unit that is not ready yet still waits to see.
func (r *report) missing(what error) {
	r.board.update(r.unit, func(s *Status) {
		if s.State == Starting || s.State == Degraded {
			s.Reason = what.Error()
		}
	})
}

// doubt says what speaks against a unit that is shown as ready; nil means that
// nothing does any more.
func (r *report) doubt(what error) {
	r.board.update(r.unit, func(s *Status) {
		switch {
		case s.State != Ready:
		case what == nil:
			s.Reason = ""
		default:
			s.Reason = what.Error()
		}
	})
}

// process says which process belongs to the unit; 0 means none.
func (r *report) process(pid int) {
	r.board.update(r.unit, func(s *Status) { s.PID = pid })
}

// Final marks an error of a phase that no further try can mend.
func Final(err error) error { return finalError{err} }

type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }
