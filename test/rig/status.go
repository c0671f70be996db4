package rig

import (
	"encoding/json"
	"testing"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Status is what dnetinit status tells of the container.
func (c *Cluster) Status(t testing.TB) supervisor.Snapshot {
	t.Helper()
	var s supervisor.Snapshot
	if err := json.Unmarshal([]byte(c.Exec(t, "dnetinit", "status", "--output", "json")), &s); err != nil {
		t.Fatalf("cannot read what dnetinit status says: %v", err)
	}
	return s
}

// Unit is what dnetinit status tells of one unit.
func (c *Cluster) Unit(t testing.TB, name string) supervisor.Status {
	t.Helper()
	unit, known := c.Status(t).Unit(name)
	if !known {
		t.Fatalf("dnetinit status doesn't know %s", name)
	}
	return unit
}
