package hostnet

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"os/exec"
	"strings"
	"unsafe"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Firewall is what the kernel and the image have for packet filtering.
type Firewall struct {
	// Nftables: kube-proxy's nftables mode works.
	Nftables bool
	// IPTables is the flavour of the iptables command to use, "nft" or
	// "legacy": that whose rules are there already, as rules of both kinds
	// would both hold and neither shows the other. Docker's resolver puts
	// rules into a container's namespace before its PID 1 starts.
	IPTables string
	// Reason says why, in a few words.
	Reason string
}

// Mode is kube-proxy's mode.
func (f Firewall) Mode() string {
	if f.Nftables {
		return "nftables"
	}
	return "iptables"
}

// ProbeFirewall finds out what can be used. It changes nothing.
func ProbeFirewall(ctx context.Context) Firewall {
	nft := nftCheck(ctx)
	legacy, nftRules := legacyRules(), nftTables()
	return decide(nft, legacy, nftRules)
}

// decide is the choice alone.
func decide(nft error, legacyRules int, nftTables []string) Firewall {
	f := Firewall{Nftables: nft == nil, IPTables: "nft"}
	switch {
	case nft != nil:
		f.IPTables = "legacy"
		f.Reason = nft.Error()
	case legacyRules > 0 && len(nftTables) == 0:
		f.IPTables = "legacy"
		f.Reason = fmt.Sprintf("iptables-legacy holds %d rules", legacyRules)
	case len(nftTables) > 0:
		f.Reason = "nftables holds the tables " + strings.Join(nftTables, ", ")
	default:
		f.Reason = "nftables works and there are no rules yet"
	}
	return f
}

// nftRuleset has each kind of expression that kube-proxy's nftables mode
// needs. A kernel may have nf_tables and lack some of their modules. No chain is
// called like a word of the language: nft takes that in some versions only.
const nftRuleset = `
table ip dnetinit-probe {
	map services {
		type ipv4_addr . inet_proto . inet_service : verdict
	}
	set once { type ipv4_addr; flags interval; }
	chain target { numgen random mod 2 vmap { 0 : goto masq, 1 : goto masq }; }
	chain masq { ct status & 0x20 == 0x20 masquerade fully-random; }
	chain refuse { reject; }
	chain post {
		type nat hook postrouting priority srcnat;
		ip daddr . meta l4proto . th dport vmap @services
		fib daddr type local meta mark set mark or 0x4000 jump masq
	}
	chain pre { type nat hook prerouting priority dstnat; meta l4proto udp dnat to 192.0.2.1:53; }
}
`

// nftCheck has the kernel check a ruleset without committing it.
func nftCheck(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "nft", "--check", "--file", "-")
	cmd.Stdin = strings.NewReader(nftRuleset)
	out, err := cmd.CombinedOutput()
	if err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("nftables does not work: %w: %s", err, line)
	}
	return nil
}

// nftTables lists the tables of this network namespace as "ip nat". Those that
// are kube-proxy's own, from before a restart in a shared namespace, are no
// reason for anything.
func nftTables() []string {
	const getTable = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETTABLE
	req := nl.NewNetlinkRequest(getTable, unix.NLM_F_DUMP)
	req.AddData(&nl.Nfgenmsg{NfgenFamily: unix.AF_UNSPEC, Version: nl.NFNETLINK_V0})
	messages, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return nil // no nf_tables, or we may not: then there are none for us
	}
	families := map[uint8]string{unix.NFPROTO_INET: "inet", unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6",
		unix.NFPROTO_ARP: "arp", unix.NFPROTO_BRIDGE: "bridge", unix.NFPROTO_NETDEV: "netdev"}
	var tables []string
	for _, m := range messages {
		if len(m) < nl.SizeofNfgenmsg {
			continue
		}
		attrs, err := nl.ParseRouteAttr(m[nl.SizeofNfgenmsg:])
		if err != nil {
			continue
		}
		for _, a := range attrs {
			if name := strings.TrimRight(string(a.Value), "\x00"); a.Attr.Type == unix.NFTA_TABLE_NAME && name != "kube-proxy" {
				tables = append(tables, families[m[0]]+" "+name)
			}
		}
	}
	return tables
}

// legacyRules counts the rules in the tables of iptables-legacy.
func legacyRules() int {
	names, err := os.ReadFile("/proc/net/ip_tables_names")
	if err != nil {
		return 0
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	rules := 0
	// Only tables in that list are asked for: asking makes the kernel load one.
	for _, name := range strings.Fields(string(names)) {
		rules += legacyTableRules(fd, name)
	}
	return rules
}

// legacyTableRules counts by IPT_SO_GET_INFO (64), whose answer is the
// kernel's struct ipt_getinfo: name[32], hooks, 5 entries, 5 underflows,
// number of entries, size. An empty table has an entry for each hook (its
// policy), and one at the end.
func legacyTableRules(fd int, name string) int {
	const getInfo, size, hooksAt, countAt = 64, 84, 32, 76
	var info [size]byte
	copy(info[:31], name)
	length := uint32(size)
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_IP, getInfo,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return 0
	}
	hooks := binary.NativeEndian.Uint32(info[hooksAt:])
	return max(0, int(binary.NativeEndian.Uint32(info[countAt:]))-bits.OnesCount32(hooks)-1)
}
