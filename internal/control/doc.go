// Package control is how other processes in the container talk to PID 1: HTTP
// over the unix socket /run/dnetinit/dnetinit.sock, for root only, and the
// client for it that the command line uses.
//
// It decides nothing. What runs is the supervisor's business; the server shows
// it and passes wishes on. Whatever a client does, or does not do, costs
// neither the supervisor nor the other clients anything: streams are bounded
// in number, hold no queue, and end when a client does not read.
//
// Read [Engine] first, then the table in endpoints.go, then [Client].
package control
