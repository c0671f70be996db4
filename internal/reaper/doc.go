// Package reaper starts processes and takes the exit status of every child:
// of those that it started, which are reported, and of the orphans that PID 1
// inherits, which are only cleared away.
//
// Three sorts of children meet in one PID 1, and each has its own reader:
//
//	started by [Reaper.Start]    in our table                  waited for here, reported
//	started by os/exec           in our own process group,     left to os/exec
//	                             with a pidfd in our table of
//	                             descriptors
//	orphans                      neither                       waited for here, forgotten
//
// So nothing here ever waits for "any child", which would steal statuses from
// os/exec: a zombie is first looked at (waitid with WNOWAIT), and then waited
// for by its pid, or left.
//
// The package does not restart, does not log what children write and does not
// make cgroups; it only puts a child into those that it is given.
//
// Read [Spec] first, then [Reaper.Start] and [Process].
package reaper
