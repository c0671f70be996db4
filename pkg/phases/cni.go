package phases

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/lyft/dockernetes/internal/config"
)

// cniPath is the CNI configuration. The number makes it the first one; a
// cluster that brings a CNI of its own removes it or uses a lower number.
const cniPath = "/etc/cni/net.d/10-dnetinit.conflist"

type cniList struct {
	CNIVersion string `json:"cniVersion"`
	Name       string `json:"name"`
	Plugins    []any  `json:"plugins"`
}

// cniPtp gives each pod a veth pair of its own, routed. It needs no bridge, so
// no br_netfilter, which is absent in many containers.
type cniPtp struct {
	Type          string  `json:"type"`
	IPMasq        bool    `json:"ipMasq"`
	IPMasqBackend string  `json:"ipMasqBackend"`
	MTU           int     `json:"mtu,omitempty"`
	IPAM          cniIPAM `json:"ipam"`
}

type cniIPAM struct {
	Type    string              `json:"type"`
	DataDir string              `json:"dataDir"`
	Ranges  [][]cniRange        `json:"ranges"`
	Routes  []map[string]string `json:"routes"`
}

type cniRange struct {
	Subnet string `json:"subnet"`
}

// cniPortmap is for hostPort.
type cniPortmap struct {
	Type         string          `json:"type"`
	Capabilities map[string]bool `json:"capabilities"`
	Backend      string          `json:"backend"`
}

// CNI writes the configuration of the pods' network. It is there before the
// kubelet starts, so the node is Ready at once.
func CNI(c *config.Config) func(context.Context) error {
	return func(context.Context) error {
		ptp := cniPtp{
			Type: "ptp", IPMasq: true, IPMasqBackend: firewall(c.Host), MTU: c.Host.MTU,
			// In /run, which a stop empties: leases of pods that are gone would
			// use up the range.
			IPAM: cniIPAM{Type: "host-local", DataDir: "/run/cni"},
		}
		for subnet := range strings.SplitSeq(c.Init.Networking.PodSubnet, ",") {
			first, err := firstNodeSubnet(strings.TrimSpace(subnet))
			if err != nil {
				return err
			}
			all := "0.0.0.0/0"
			if first.Addr().Is6() {
				all = "::/0"
			}
			ptp.IPAM.Ranges = append(ptp.IPAM.Ranges, []cniRange{{Subnet: first.String()}})
			ptp.IPAM.Routes = append(ptp.IPAM.Routes, map[string]string{"dst": all})
		}
		text, err := json.MarshalIndent(cniList{
			CNIVersion: "1.0.0",
			Name:       "dnetinit",
			Plugins:    []any{ptp, cniPortmap{Type: "portmap", Capabilities: map[string]bool{"portMappings": true}, Backend: firewall(c.Host)}},
		}, "", "  ")
		if err != nil {
			return fmt.Errorf("cannot encode %s: %w", cniPath, err)
		}
		return write(c.Path(cniPath), append(text, '\n'), public)
	}
}

// firstNodeSubnet is the part of the pods' subnet that the controller-manager
// gives to the first node: a /24, or a /64 of IPv6 addresses.
func firstNodeSubnet(podSubnet string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(podSubnet)
	if err != nil {
		return prefix, fmt.Errorf("cannot use networking.podSubnet %q: %w", podSubnet, err)
	}
	bits := 24
	if prefix.Addr().Is6() {
		bits = 64
	}
	if prefix.Bits() > bits {
		return prefix, fmt.Errorf("cannot use networking.podSubnet %q: a node needs a /%d", podSubnet, bits)
	}
	return netip.PrefixFrom(prefix.Masked().Addr(), bits), nil
}

// firewall is the backend for the rules that the CNI plugins make.
func firewall(h config.Host) string {
	if h.Nftables {
		return "nftables"
	}
	return "iptables"
}
