// Package faults breaks what PID 1 promises to hold: it boots the real command
// line as PID 1 of fresh namespaces, over a small graph, and then kills,
// freezes, starves and interrupts it and its services.
//
// It needs root and namespaces, and no container engine. The test binary is
// executed again as PID 1 (role "init") and as the services' programs, see
// children in children_test.go.
//
// Read machine in machine_test.go first, then scenarios_test.go.
package faults
