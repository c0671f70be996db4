// Package preflight looks at the container before anything is started in it,
// and says what will not work and what to change: each [Check] is a row of one
// table, and each [Finding] a message with its remedy.
//
// It only looks. Nothing is mounted, written or left behind, so that it may
// run in a container that works. What can be mended from the inside is mended
// by pkg/phases and no finding.
//
// Read [Checks] first.
package preflight
