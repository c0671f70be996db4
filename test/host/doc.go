// Package host holds the tests of what differs from host to host: cgroups, the
// firewall, capabilities, and what an engine makes of them. What is the same on
// every host is in the packages cluster and life.
//
// It is small enough to be run in a virtual machine that is emulated: make
// test-vm does that, for cgroup v2 and every capability.
//
// Read main_test.go first.
package host
