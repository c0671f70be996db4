// Package cluster holds the tests of a running cluster: all of them share one
// container, and each has a namespace of its own there. What needs a container
// of its own, as it stops, breaks or configures it, is in package life.
//
// Read main_test.go first.
package cluster
