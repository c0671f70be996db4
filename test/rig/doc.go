// Package rig starts Dockernetes containers for tests and talks to them as a
// user would: through the docker client that is in PATH, with DOCKER_HOST and
// the rest of the environment as they are.
//
// It holds no test of its own and knows nothing of dnetinit's insides: what a
// test sees here is what a user sees.
//
// Read [Cluster] first. These variables of the environment matter:
//
//	DOCKERNETES_IMAGE            the image under test, lyft/dockernetes:latest if unset
//	DOCKERNETES_REQUIRE_CLUSTER  if set, a missing engine or image fails the tests
//	                             that need it; else they are skipped, with the reason
//	DOCKERNETES_APP              test/app as a program, for where there is no Go to build it
//	DOCKERNETES_PATIENCE         how many times as long as usual everything may take
package rig
