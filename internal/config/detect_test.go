package config

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestDetectReadsThisMachine(t *testing.T) {
	h, err := Detect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if h.Hostname == "" {
		t.Error("no hostname")
	}
	if net.ParseIP(h.NodeIP) == nil || h.MTU < 576 {
		t.Errorf("address %q with MTU %d", h.NodeIP, h.MTU)
	}
}

func TestCgroupsOfADirectoryThatIsNoCgroup2MountAreThoseOfV1(t *testing.T) {
	root := t.TempDir()
	if v2, cpu := cgroups(root); v2 || cpu {
		t.Errorf("an empty directory: v2 %v, cpu %v", v2, cpu)
	}
	if err := os.Mkdir(filepath.Join(root, "cpu"), 0o755); err != nil {
		t.Fatal(err)
	}
	if v2, cpu := cgroups(root); v2 || !cpu {
		t.Errorf("with a cpu hierarchy: v2 %v, cpu %v", v2, cpu)
	}
}

func TestIsOverlayLooksAtTheNearestDirectoryThatExists(t *testing.T) {
	if isOverlay("/proc/no/such/path") {
		t.Error("/proc is an overlay filesystem")
	}
}
