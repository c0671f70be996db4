package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	hostnet "github.com/lyft/dockernetes/pkg/net"
)

// Detect finds out what a configuration has to know of this host. It changes
// nothing.
func Detect(ctx context.Context) (Host, error) {
	h := Host{}
	var err error
	if h.Hostname, err = os.Hostname(); err != nil {
		return h, fmt.Errorf("cannot read the hostname: %w", err)
	}
	h.Hostname = strings.ToLower(h.Hostname)
	uplink, err := hostnet.FindUplink()
	if err != nil {
		return h, err
	}
	if uplink.Loopback() {
		return h, errors.New("cannot run without a network: there is no link but lo; start the container without --network none (a network made with --internal is enough)")
	}
	h.NodeIP, h.MTU = uplink.Address.String(), uplink.MTU
	h.Nftables = hostnet.ProbeFirewall(ctx).Nftables
	h.CgroupV2, h.CPUController = cgroups("/sys/fs/cgroup")
	if h.SysResource, err = hasCapability(unix.CAP_SYS_RESOURCE); err != nil {
		return h, err
	}
	h.StateOnOverlay = isOverlay("/var/lib/containerd")
	return h, nil
}

func cgroups(root string) (v2, cpu bool) {
	var fs unix.Statfs_t
	if err := unix.Statfs(root, &fs); err == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
		controllers, _ := os.ReadFile(filepath.Join(root, "cgroup.controllers")) // unreadable: none
		return true, strings.Contains(" "+strings.TrimSpace(string(controllers))+" ", " cpu ")
	}
	_, err := os.Stat(filepath.Join(root, "cpu"))
	return false, err == nil
}

// hasCapability says if c is in the bounding set: what is not in it no child
// can ever have.
func hasCapability(c uintptr) (bool, error) {
	n, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0)
	if err != nil {
		return false, fmt.Errorf("cannot read the bounding set of capability %d: %w", c, err)
	}
	return n == 1, nil
}

// isOverlay says if path, or the nearest directory above it that exists, is on
// an overlay filesystem.
func isOverlay(path string) bool {
	for {
		var fs unix.Statfs_t
		if err := unix.Statfs(path, &fs); err == nil {
			return fs.Type == unix.OVERLAYFS_SUPER_MAGIC
		}
		if path == "/" {
			return false
		}
		path = filepath.Dir(path)
	}
}
