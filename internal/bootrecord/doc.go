// Package bootrecord makes the record of a boot, from inside of PID 1: it
// follows the changes of the units and, while the boot goes on, reads every
// 50 ms how much CPU time has been used. The last boots are kept as files.
//
// It draws no conclusions; that is package bootreport's part.
//
// Read [Recorder] first.
package bootrecord
