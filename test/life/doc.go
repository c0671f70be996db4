// Package life holds the tests that need containers of their own: how one is
// born, stops, comes back in another place, is configured, and refuses what is
// wrong. The tests of a running cluster are in package cluster.
package life
