package control

import (
	"context"
	"sync"
)

// changes tells any number of waiters that something changed, and never waits
// for one of them: a waiter that is late finds the latest state, not a queue.
type changes struct {
	mu   sync.Mutex
	next chan struct{} // closed at the next change
}

func newChanges() *changes { return &changes{next: make(chan struct{})} }

// after returns a channel that is closed at the next change.
func (c *changes) after() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next
}

// follow announces each of the engine's events until ctx or the events end.
func (c *changes) follow(ctx context.Context, e Engine) {
	for range e.Events(ctx, 0) {
		c.mu.Lock()
		close(c.next)
		c.next = make(chan struct{})
		c.mu.Unlock()
	}
}
