// Package cli is the command line of dnetinit: what a person or a script types
// to wait for the cluster, to look at it and to change its services; and the
// systemctl that old scripts expect.
//
// Every command but init is a client of PID 1's control socket (package
// control); what it shows comes from there. The package decides on words,
// columns and exit statuses, and on nothing else.
//
// Read [Env] first, then root.go, which lists the commands. The exit statuses:
//
//	0    done; what was waited for is there
//	1    it failed, timed out, or the cluster is not ready (health)
//	2    wrong usage; or what was waited for can't come any more
//	130  interrupted
//
// As systemctl it has systemd's: see systemctl.go.
package cli
