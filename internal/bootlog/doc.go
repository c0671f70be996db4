// Package bootlog writes the story of the boot to PID 1's standard output, so
// that `docker logs` is worth reading: a line when a unit is up, with its
// time, a summary when the cluster is ready, and the reason of each failure.
//
// It is plain text, made of the supervisor's events alone. What the services
// themselves write is in their own logs.
//
// Read [Log] first. Seconds and Clean are there for all who write such lines.
package bootlog
