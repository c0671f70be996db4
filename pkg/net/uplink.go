package hostnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
)

// Uplink is the link that leads out of the container.
type Uplink struct {
	Name    string
	Address netip.Addr // IPv4 if it has one
	MTU     int
}

// Loopback tells that the container has no network, only itself.
func (u Uplink) Loopback() bool { return u.Address.IsLoopback() }

// FindUplink finds the link of the default route and its address. Without a
// default route it takes the first link that is up and has an address, and
// with --network none it is lo with 127.0.0.1.
func FindUplink() (Uplink, error) {
	for _, find := range []func() ([]netlink.Link, error){defaultRouteLinks, otherLinks, loopback} {
		links, err := find()
		if err != nil {
			return Uplink{}, fmt.Errorf("cannot find the node's address: %w", err)
		}
		for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
			for _, link := range links {
				addr, ok, err := globalAddress(link, family)
				if err != nil {
					return Uplink{}, fmt.Errorf("cannot list the addresses of link %s: %w", link.Attrs().Name, err)
				}
				if ok {
					return Uplink{Name: link.Attrs().Name, Address: addr, MTU: link.Attrs().MTU}, nil
				}
			}
		}
	}
	return Uplink{}, errors.New("cannot find the node's address: no link has one, not even lo")
}

// defaultRouteLinks lists the links of default routes, the best metric first.
func defaultRouteLinks() ([]netlink.Link, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("cannot list routes: %w", err)
	}
	slices.SortStableFunc(routes, func(a, b netlink.Route) int { return a.Priority - b.Priority })
	var links []netlink.Link
	for _, r := range routes {
		if !isDefault(r.Dst) || r.LinkIndex == 0 {
			continue
		}
		link, err := netlink.LinkByIndex(r.LinkIndex)
		if err != nil {
			return nil, fmt.Errorf("cannot find link %d of the default route: %w", r.LinkIndex, err)
		}
		links = append(links, link)
	}
	return links, nil
}

// isDefault tells if a route's destination is everything.
func isDefault(dst *net.IPNet) bool {
	if dst == nil {
		return true
	}
	ones, _ := dst.Mask.Size()
	return ones == 0 && dst.IP.IsUnspecified()
}

func otherLinks() ([]netlink.Link, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("cannot list links: %w", err)
	}
	return slices.DeleteFunc(links, func(l netlink.Link) bool {
		flags := l.Attrs().Flags
		return flags&net.FlagUp == 0 || flags&net.FlagLoopback != 0
	}), nil
}

func loopback() ([]netlink.Link, error) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, fmt.Errorf("cannot find link lo: %w", err)
	}
	return []netlink.Link{lo}, nil
}

// globalAddress returns the first address of a family that others can reach,
// or on lo the loopback address.
func globalAddress(link netlink.Link, family int) (netip.Addr, bool, error) {
	addrs, err := netlink.AddrList(link, family)
	if err != nil {
		return netip.Addr{}, false, err
	}
	lo := link.Attrs().Flags&net.FlagLoopback != 0
	for _, a := range addrs {
		addr, ok := netip.AddrFromSlice(a.IP)
		addr = addr.Unmap()
		if ok && (addr.IsGlobalUnicast() || lo && addr.IsLoopback()) {
			return addr, true, nil
		}
	}
	return netip.Addr{}, false, nil
}
