package hostnet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
)

// State is how the container's network shall be.
type State struct {
	Links   []Link
	Sysctls []Sysctl
}

// Step is one thing that a State makes so. It may be applied again.
type Step interface {
	Apply(ctx context.Context) error
	String() string
}

// Desired is the state that Kubernetes needs, with IPv6 for pods if asked for.
// IPv6 is not touched otherwise: a host that forwards takes no default route
// from a router's advertisements any more, which would cut off the machine with
// --network host.
func Desired(ipv6 bool) State {
	s := State{
		Links: []Link{{Name: "lo"}},
		Sysctls: []Sysctl{
			{Name: "net.ipv4.ip_forward", Value: "1"},
			// So that 127.0.0.1:NODEPORT works, where kube-proxy uses iptables.
			{Name: "net.ipv4.conf.all.route_localnet", Value: "1", Optional: true},
			// 2 is loose: answers may come in by another link than the one
			// that the route back would take, as they do with a second network.
			{Name: "net.ipv4.conf.all.rp_filter", Value: "2", Optional: true},
			{Name: "net.ipv4.conf.default.rp_filter", Value: "2", Optional: true},
			// Finds a path's MTU where a cloud's firewall drops the ICMP for it.
			{Name: "net.ipv4.tcp_mtu_probing", Value: "1", Optional: true},
			// They are there only if br_netfilter is, and not always then. The
			// ptp plugin has no bridge; this is for other CNI plugins.
			{Name: "net.bridge.bridge-nf-call-iptables", Value: "1", Optional: true},
		},
	}
	if ipv6 {
		s.Sysctls = append(s.Sysctls,
			Sysctl{Name: "net.ipv6.conf.all.disable_ipv6", Value: "0", Optional: true},
			Sysctl{Name: "net.ipv6.conf.default.disable_ipv6", Value: "0", Optional: true},
			Sysctl{Name: "net.ipv6.conf.all.forwarding", Value: "1"},
			Sysctl{Name: "net.bridge.bridge-nf-call-ip6tables", Value: "1", Optional: true},
		)
	}
	return s
}

// Steps lists what Apply does, in its order.
func (s State) Steps() []Step {
	var steps []Step
	for _, l := range s.Links {
		steps = append(steps, l)
	}
	for _, c := range s.Sysctls {
		steps = append(steps, c)
	}
	return steps
}

// Apply makes the network be like s. It goes on after a step that fails and
// returns all failures.
func (s State) Apply(ctx context.Context) error {
	var errs []error
	for _, step := range s.Steps() {
		if err := step.Apply(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Link is a network link that shall be up.
type Link struct{ Name string }

func (l Link) String() string { return "link " + l.Name + " up" }

// Apply sets the link up.
func (l Link) Apply(context.Context) error {
	link, err := netlink.LinkByName(l.Name)
	if err != nil {
		return fmt.Errorf("cannot find link %s: %w", l.Name, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("cannot set link %s up: %w", l.Name, err)
	}
	return nil
}

// Sysctl is a kernel parameter that shall have a value.
type Sysctl struct {
	Name  string // with dots, as sysctl(8) has it
	Value string
	// Optional: a kernel without it, or that won't have it written, is fine.
	Optional bool
	// AtLeast: a larger number that is there already stays. Hosts that were
	// tuned keep what they have.
	AtLeast bool

	proc string // "" means /proc/sys
}

// Path is the parameter's file.
func (s Sysctl) Path() string {
	root := s.proc
	if root == "" {
		root = "/proc/sys"
	}
	return filepath.Join(root, strings.ReplaceAll(s.Name, ".", "/"))
}

func (s Sysctl) String() string {
	if s.AtLeast {
		return fmt.Sprintf("sysctl %s >= %s", s.Name, s.Value)
	}
	return fmt.Sprintf("sysctl %s = %s", s.Name, s.Value)
}

// Satisfied tells if the parameter has the value already, and which it has.
func (s Sysctl) Satisfied() (ok bool, has string, err error) {
	b, err := os.ReadFile(s.Path())
	if err != nil {
		return false, "", err
	}
	has = strings.Join(strings.Fields(string(b)), " ")
	return has == s.Value || s.AtLeast && !less(has, s.Value), has, nil
}

// less compares two decimal numbers of any length.
func less(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// Apply writes the value if it isn't there. A container may read parameters
// that it may not write, so the right value is never written again.
func (s Sysctl) Apply(context.Context) error {
	ok, has, err := s.Satisfied()
	if ok || s.Optional && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = writeInPlace(s.Path(), []byte(s.Value), 0)
	}
	if err == nil || s.Optional {
		return nil
	}
	return fmt.Errorf("cannot set %s (it is %q): %w", s, has, err)
}
