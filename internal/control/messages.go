package control

import (
	"fmt"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Outcome is how waiting for a unit ended.
type Outcome string

// The outcomes of waiting. While it goes on there is none.
const (
	Reached  Outcome = "ready"
	Hopeless Outcome = "hopeless" // a unit on the way needs help
	Stopping Outcome = "stopping" // PID 1 is stopping everything
)

// Progress is one line of GET /v1/wait. The last one has an Outcome.
type Progress struct {
	For      string              `json:"for"`
	Outcome  Outcome             `json:"outcome,omitempty"`
	Snapshot supervisor.Snapshot `json:"snapshot"`
}

// LogLine is one line of GET /v1/logs.
type LogLine struct {
	Service string    `json:"service"`
	Time    time.Time `json:"time"`
	Text    string    `json:"text"`
	// Skipped is how many lines before this one were lost, as the client was
	// too slow to follow.
	Skipped uint64 `json:"skipped,omitempty"`
}

// Ready is the answer of GET /v1/ready.
type Ready struct {
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"` // why not, in one line
}

// Error is the body of every answer that is not a success.
type Error struct {
	Code    int      `json:"code"` // the HTTP status
	Message string   `json:"error"`
	Known   []string `json:"known,omitempty"` // the names that would have worked
}

func (e *Error) Error() string { return e.Message }

func errorf(code int, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
