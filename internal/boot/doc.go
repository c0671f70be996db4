// Package boot is what starts in the container: the services, and the
// milestones of the way to a cluster that is ready. With the phases, which
// package phases lists, they are one graph.
//
// It declares and it asks; to start, to watch and to stop is package
// supervisor's.
//
// Read services.go first, then milestones.go and, in package phases, list.go.
package boot
