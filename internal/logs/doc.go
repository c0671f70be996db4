// Package logs takes what a service writes, keeps the last lines in memory and
// all of them in rotated files, and never makes the service wait.
//
// A line goes this way:
//
//	child ──▶ pipe ──▶ one goroutine a pipe ──▶ ring of the last lines ──▶ followers
//	                                       └──▶ queue ──▶ one goroutine ──▶ file
//
// Whatever is slow or full on the right loses lines, which are counted: a
// follower learns of its gap by [Line.Skipped], the file's losses are in
// [Log.Dropped] and in the file itself. The left end is always read.
//
// It is not for our own log, which goes to zap, and it knows no levels: a line
// is text.
//
// Read [Log] first: [Log.Writer] and [Log.Tail] are most of it.
package logs
