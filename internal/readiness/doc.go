// Package readiness keeps the file /run/dnetinit/ready, which exists exactly
// while the cluster is ready, and tells the container's engine the same where
// it listens (podman's NOTIFY_SOCKET).
//
// The file is for health checks and scripts: to see that it is there costs
// nothing. It decides nothing itself: that the cluster is ready is what the
// milestone "ready" of the supervisor says.
//
// Read [File] first, then [Report], which is what the file holds.
package readiness
