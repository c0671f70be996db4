// Package supervisor runs a graph of units: phases, which run once; services,
// which run on; and milestones, which are observed. It starts each unit the
// moment what it needs is ready, keeps the services up, and walks the same
// graph backwards to stop.
//
// It is not an init: reaping, signals and mounts are the business of package
// reaper and of the phases; and it knows nothing of Kubernetes.
//
// Read [Graph] first, then [Service]. A unit lives through these states
// (func next is the whole machine):
//
//	         needs ready            told or probed ready
//	waiting ───────────▶ starting ───────────────────────▶ ready
//	                        │ ▲                               │
//	            exit, error,│ │ delay over         exit, hang │
//	            timeout     ▼ │                               │
//	                      backoff ◀───────────────────────────┘
//	                        │ ▲      (a phase: failed, after its last try)
//	 budget of tries spent  ▼ │
//	                     degraded       stopping ──▶ stopped
//
// One goroutine owns one unit and the process that belongs to it. What others
// may know of it goes through the board, a table of the units' last states
// that anyone may wait on.
package supervisor
