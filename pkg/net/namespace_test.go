package hostnet

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inNamespace runs the calling test in network and mount namespaces of its
// own. It returns true in the process that is inside; outside it has done
// everything when it returns.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv("HOSTNET_TEST_INSIDE") == t.Name() {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	c := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), "HOSTNET_TEST_INSIDE="+t.Name())
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// addLink makes a link with addresses, up.
func addLink(t *testing.T, name string, mtu int, addrs ...string) netlink.Link {
	t.Helper()
	link := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name, MTU: mtu}, PeerName: name + "-peer"}
	if err := netlink.LinkAdd(link); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		addr, err := netlink.ParseAddr(a)
		if err != nil {
			t.Fatal(err)
		}
		addr.Flags = syscall.IFA_F_NODAD
		if err := netlink.AddrAdd(link, addr); err != nil {
			t.Fatal(err)
		}
	}
	return link
}

func addDefaultRoute(t *testing.T, link netlink.Link, metric int) {
	t.Helper()
	dst, _ := netlink.ParseIPNet("0.0.0.0/0")
	err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst, Priority: metric, Scope: netlink.SCOPE_LINK})
	if err != nil {
		t.Fatal(err)
	}
}
