// Package cgroup knows the cgroup tree of the container: which hierarchies
// there are, which directory of each is the container's own, and one [Group]
// below it for each service.
//
// It works on cgroup v1, v2 and hybrid hosts, with a cgroup namespace and
// without. It touches nothing outside of the container's own directories: a
// controller that the outer engine did not scope to the container is left
// alone, as whatever is made in it would leak to the host.
//
// It does not set limits (the container's own hold for all) and mounts
// nothing: pkg/phases does, from what [Detect] found.
//
// Groups are made, read and killed with the kernel's files and not with
// containerd/cgroups: its Kill waits for the children where cgroup.kill is
// missing, and waiting is the reaper's, and its v1 side wants every controller
// below one directory.
//
// Read [Tree] first, then [Group].
package cgroup
