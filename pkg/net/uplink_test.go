package hostnet

import (
	"testing"

	"github.com/vishvananda/netlink"
)

func uplinkIs(t *testing.T, name, addr string, mtu int) {
	t.Helper()
	u, err := FindUplink()
	if err != nil || u.Name != name || u.Address.String() != addr || mtu > 0 && u.MTU != mtu {
		t.Errorf("got %+v, %v; want %s %s %d", u, err, name, addr, mtu)
	}
}

func loUp(t *testing.T) {
	t.Helper()
	if err := (Link{Name: "lo"}).Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTheUplinkHasTheDefaultRoute(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	loUp(t)
	addLink(t, "net0", 1500, "10.9.0.2/24")
	second := addLink(t, "net1", 1400, "fd00:9::2/64", "10.8.0.2/24")
	addDefaultRoute(t, second, 0)
	uplinkIs(t, "net1", "10.8.0.2", 1400)
}

func TestTheBetterMetricWins(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	loUp(t)
	addDefaultRoute(t, addLink(t, "net0", 1500, "10.9.0.2/24"), 100)
	addDefaultRoute(t, addLink(t, "net1", 1400, "10.8.0.2/24"), 50)
	uplinkIs(t, "net1", "10.8.0.2", 1400)
}

func TestWithoutADefaultRouteItIsTheLinkWithAnAddress(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	loUp(t)
	addLink(t, "net0", 1500)
	addLink(t, "net1", 1400, "fd00:9::2/64")
	uplinkIs(t, "net1", "fd00:9::2", 1400)
}

func TestWithoutANetworkItIsLoopback(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	loUp(t)
	uplinkIs(t, "lo", "127.0.0.1", 0)
	if u, _ := FindUplink(); !u.Loopback() {
		t.Error("it doesn't say so")
	}
}

func TestALoopbackLinkThatIsDownHasNoAddress(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	if u, err := FindUplink(); err == nil {
		t.Errorf("got %+v", u)
	}
	if lo, err := netlink.LinkByName("lo"); err != nil || lo.Attrs().RawFlags&1 != 0 {
		t.Errorf("looking changed lo: %v %v", lo, err)
	}
}
