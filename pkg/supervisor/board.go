package supervisor

import (
	"context"
	"slices"
	"sync"
	"time"
)

// historyLength is how many events the board keeps for those who ask late. A
// boot makes about 150.
const historyLength = 1024

// board is the table of all units' last states. Each unit writes its own row;
// everybody reads. A change is told by closing a channel, so a waiter that
// took the channel before it looked can't miss one.
type board struct {
	mu       sync.Mutex
	rows     []Status
	index    map[string]int
	history  []Event // the last historyLength, oldest first
	seq      uint64
	changedC chan struct{}
	started  time.Time
	stopping bool
	closed   bool
}

func newBoard(rows []Status) *board {
	b := &board{rows: rows, index: map[string]int{}, changedC: make(chan struct{}), started: time.Now()}
	for i := range rows {
		b.index[rows[i].Name] = i
		b.rows[i].State = Waiting
		b.rows[i].Since = b.started
	}
	return b
}

// changed returns a channel that is closed at the next change. Take it before
// you look at the board, and no change is missed.
func (b *board) changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changedC
}

func (b *board) tell() {
	close(b.changedC)
	b.changedC = make(chan struct{})
}

// update changes the row of a unit. If that changed its state or its chaos, an
// event is published.
func (b *board) update(name string, change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	row := &b.rows[b.index[name]]
	from, chaos := row.State, row.Chaos
	change(row)
	if row.State != from || row.Chaos != chaos {
		now := time.Now()
		if row.State != from {
			row.Since = now
		}
		b.seq++
		b.history = append(b.history, Event{
			Seq: b.seq, Time: now, Unit: row.Name, Kind: row.Kind,
			From: from, To: row.State, Reason: row.Reason, Status: clone(*row),
		})
		if len(b.history) > historyLength {
			b.history = slices.Delete(b.history, 0, len(b.history)-historyLength)
		}
	}
	b.tell()
}

// missing returns those of the names whose units are not in one of the states.
func (b *board) missing(names []string, states ...State) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var missing []string
	for _, name := range names {
		if !slices.Contains(states, b.rows[b.index[name]].State) {
			missing = append(missing, name)
		}
	}
	return missing
}

func (b *board) row(name string) (Status, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, known := b.index[name]
	if !known {
		return Status{}, false
	}
	return clone(b.rows[i]), true
}

func (b *board) snapshot() Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Snapshot{Time: time.Now(), Started: b.started, Stopping: b.stopping, Units: make([]Status, len(b.rows))}
	for i, row := range b.rows {
		s.Units[i] = clone(row)
	}
	return s
}

// stop marks the beginning of the shutdown.
func (b *board) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopping = true
	b.tell()
}

func (b *board) isStopping() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stopping
}

// close ends all streams of events once the last event is delivered.
func (b *board) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.tell()
}

func (b *board) lastSeq() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seq
}

// since returns the kept events that follow the one numbered after.
func (b *board) since(after uint64) (events []Event, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, _ := slices.BinarySearchFunc(b.history, after+1, func(e Event, seq uint64) int {
		return int(int64(e.Seq) - int64(seq))
	})
	return slices.Clone(b.history[i:]), b.closed
}

// events streams the events that follow the one numbered after: those kept,
// then those to come. A reader that is too slow misses the oldest (Seq jumps)
// and holds up nobody.
func (b *board) events(ctx context.Context, after uint64) <-chan Event {
	out := make(chan Event)
	go func() {
		defer close(out)
		for {
			changed := b.changed()
			events, closed := b.since(after)
			for _, e := range events {
				select {
				case out <- e:
					after = e.Seq
				case <-ctx.Done():
					return
				}
			}
			if closed {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func clone(s Status) Status {
	s.Needs = slices.Clone(s.Needs)
	s.WaitsFor = slices.Clone(s.WaitsFor)
	s.LastLog = slices.Clone(s.LastLog)
	return s
}
