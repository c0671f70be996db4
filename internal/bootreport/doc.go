// Package bootreport says where the time of a boot went: from the record of a
// boot it makes the times of the milestones, the slowest units, the chain of
// units that decided the time, a picture and a trace.
//
// Everything here is a function of a [Record] and nothing else. Who makes the
// record is package bootrecord, who prints is package cli.
//
// Read [Record] first, then [Record.Chain].
package bootreport
