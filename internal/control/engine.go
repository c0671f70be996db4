package control

import (
	"context"
	"time"

	"github.com/lyft/dockernetes/internal/logs"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Engine is what the server shows to its clients: a running supervisor.
type Engine interface {
	Snapshot() supervisor.Snapshot
	// Events yields the events with Seq > after that are still remembered and
	// then every new one. The channel is closed when ctx ends and after the
	// last event of a stopped engine. A slow reader does not hold up the engine.
	Events(ctx context.Context, after uint64) <-chan supervisor.Event
	// Start and Restart return when the service is ready, has failed or ctx
	// ends, Stop when it is down. Their errors say what could not be done.
	Start(ctx context.Context, service string) error
	Stop(ctx context.Context, service string) error
	Restart(ctx context.Context, service string) error
	Log(service string) (*logs.Log, error)
	// Chaos harms a service for so long, 0 meaning once, and returns when the
	// harm is undone, which ctx brings about early.
	Chaos(ctx context.Context, service string, c supervisor.Chaos, length time.Duration) error
}

// Versions maps the name of a part ("dnetinit", "kubernetes", "etcd") to its
// version ("v1.37.2").
type Versions map[string]string
