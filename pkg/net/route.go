package hostnet

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ServiceRoute is a way to the addresses of Services for a node that has no
// default route, as in a network that docker made with --internal. kube-proxy
// rewrites such an address as a packet leaves, but what has no route does not
// even get that far.
type ServiceRoute struct {
	Range string // such as 10.96.0.0/12
}

// String names the route.
func (r ServiceRoute) String() string { return "a route to " + r.Range }

// Apply adds the route, on the node's own link, unless one leads there already.
func (r ServiceRoute) Apply(context.Context) error {
	first, dst, err := net.ParseCIDR(r.Range)
	if err != nil {
		return fmt.Errorf("cannot read %q as a range of addresses: %w", r.Range, err)
	}
	_, err = netlink.RouteGet(first)
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.ENETUNREACH) {
		return fmt.Errorf("cannot look for %s: %w", r, err)
	}
	uplink, err := FindUplink()
	if err != nil {
		return err
	}
	link, err := netlink.LinkByName(uplink.Name)
	if err != nil {
		return fmt.Errorf("cannot find link %s for %s: %w", uplink.Name, r, err)
	}
	route := netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst, Scope: netlink.SCOPE_LINK}
	if err := netlink.RouteReplace(&route); err != nil {
		return fmt.Errorf("cannot add %s on link %s: %w", r, uplink.Name, err)
	}
	return nil
}
