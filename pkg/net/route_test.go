package hostnet

import (
	"net"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestServicesGetARouteOnlyWhereNothingLeadsToThem(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	loUp(t)
	link := addLink(t, "net0", 1500, "10.9.0.2/24")
	services := ServiceRoute{Range: "10.96.0.0/12"}
	address := net.ParseIP("10.96.0.10")
	if routes, err := netlink.RouteGet(address); err == nil {
		t.Fatalf("there is a route before: %v", routes)
	}
	for range 2 { // a restart finds it there
		if err := services.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	routes, err := netlink.RouteGet(address)
	if err != nil || routes[0].LinkIndex != link.Attrs().Index || routes[0].Src.String() != "10.9.0.2" {
		t.Errorf("the route is %v, %v; want one on net0 from 10.9.0.2", routes, err)
	}
}

func TestADefaultRouteIsRouteEnoughForServices(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	loUp(t)
	link := addLink(t, "net0", 1500, "10.9.0.2/24")
	addDefaultRoute(t, link, 0)
	if err := (ServiceRoute{Range: "10.96.0.0/12"}).Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	routes, err := netlink.RouteList(link, netlink.FAMILY_V4)
	if err != nil || len(routes) != 2 { // the default one and the link's own network
		t.Errorf("the routes are %v, %v", routes, err)
	}
}

func TestWhatIsNoRangeIsNamed(t *testing.T) {
	if err := (ServiceRoute{Range: "10.96.0.0"}).Apply(t.Context()); err == nil {
		t.Error("taken for a range")
	}
}
