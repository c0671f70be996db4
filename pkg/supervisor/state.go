package supervisor

// event is what can happen to a unit.
type event string

const (
	evNeedsMet  event = "needs met"  // all that it waits for is ready, or somebody connected to its socket
	evNeedsLost event = "needs lost" // something that a milestone, or a phase that failed, needs is no longer ready
	evReady     event = "ready"      // told by notification, probed, observed, or the phase returned nil
	evFailed    event = "failed"     // exit, error, time-out or hang, with tries left
	evExhausted event = "exhausted"  // the same, with the budget of tries spent
	evUnseen    event = "unseen"     // a milestone that was seen is not seen any more
	evRetry     event = "retry"      // the backoff delay is over
	evStop      event = "stop"       // somebody stops it, or the shutdown does
	evDown      event = "down"       // nothing of it is left after a stop
	evStart     event = "start"      // somebody starts it again
)

// action is what the unit's owner has to do when an event moved the unit.
type action string

const (
	actNone  action = ""
	actStart action = "start" // run the phase, start the process, begin to observe
	actDelay action = "delay" // let the backoff delay pass, then evRetry
	actStop  action = "stop"  // end the attempt that runs, undo a phase, then evDown
	actDrop  action = "drop"  // end the attempt, and wait for the needs again
)

// move is one edge of the state machine.
type move struct {
	to State
	do action
}

// moves is the whole state machine. What is not in it means nothing to a unit
// in that state: a retry of what was stopped meanwhile, for example.
var moves = map[State]map[event]move{
	Waiting: {
		evNeedsMet: {Starting, actStart},
		evStop:     {Stopped, actNone},
	},
	Starting: {
		evReady:     {Ready, actNone},
		evFailed:    {Backoff, actDelay},
		evExhausted: {Degraded, actDelay},
		evNeedsLost: {Waiting, actDrop},
		evStop:      {Stopping, actStop},
	},
	Ready: {
		evFailed:    {Backoff, actDelay},
		evExhausted: {Degraded, actDelay},
		evUnseen:    {Starting, actStart},
		evNeedsLost: {Waiting, actDrop},
		evStop:      {Stopping, actStop},
	},
	Backoff: {
		evRetry:     {Starting, actStart},
		evStart:     {Starting, actStart},
		evNeedsLost: {Waiting, actNone},
		evStop:      {Stopping, actStop},
	},
	Degraded: {
		// A try does not show as starting: a degraded service stays degraded
		// until it is ready, so that nobody takes hope too soon.
		evRetry:     {Degraded, actStart},
		evReady:     {Ready, actNone},
		evFailed:    {Degraded, actDelay},
		evExhausted: {Degraded, actDelay},
		evStop:      {Stopping, actStop},
	},
	Stopping: {
		evDown: {Stopped, actNone},
	},
	Stopped: {
		evStart: {Waiting, actNone},
	},
	Failed: {
		evStart: {Waiting, actNone},
		evStop:  {Stopping, actStop},
	},
}

// next is the state machine: where event e takes a unit in state s, and what
// is to be done then. ok is false if e means nothing to s.
//
// Phases differ in one edge: they do not go on for ever, so with its tries
// spent a phase has failed.
func next(kind Kind, s State, e event) (to State, do action, ok bool) {
	if kind == KindPhase && s == Starting && e == evExhausted {
		return Failed, actNone, true
	}
	m, ok := moves[s][e]
	if !ok {
		return s, actNone, false
	}
	return m.to, m.do, true
}
