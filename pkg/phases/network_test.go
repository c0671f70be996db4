package phases

import (
	"net"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"

	hostnet "github.com/lyft/dockernetes/pkg/net"
)

func TestNetworkIsMadeAndMadeAgain(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	// The image's alternatives, not this machine's.
	mountTmpfs(t, "/etc/alternatives")
	for range 2 {
		if err := Network(zaptest.NewLogger(t), true, []string{"10.96.0.0/12"})(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := getFile(t, "/proc/sys/net/ipv4/ip_forward"); got != "1\n" {
		t.Errorf("ip_forward is %q", got)
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil || lo.Flags&net.FlagUp == 0 {
		t.Errorf("lo: %v %v", lo, err)
	}
}

func TestTheFlavourOfIptables(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"iptables-nft", "iptables-nft-save", "iptables-legacy", "iptables-legacy-save"} {
		putFile(t, root+"/usr/sbin/"+name, "")
	}
	for _, name := range []string{"iptables", "iptables-save", "iptables-restore"} {
		putFile(t, root+"/etc/alternatives/"+name, "")
	}
	steps := flavour("legacy", root)
	want := "link " + root + "/etc/alternatives/iptables -> /usr/sbin/iptables-legacy\n" +
		"link " + root + "/etc/alternatives/iptables-save -> /usr/sbin/iptables-legacy-save"
	if got := names(steps); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := apply(t.Context(), zaptest.NewLogger(t), steps...); err != nil {
		t.Error(err)
	}
}

func TestResolver(t *testing.T) {
	cases := map[string]struct{ file, node, want string }{
		"a real resolver is handed on":      {"search x\nnameserver 10.0.0.1\n", "127.0.0.2", "nameserver 10.0.0.1\nsearch x\n"},
		"without one there is a dead one":   {"", "10.9.0.2", "nameserver 192.0.2.1\n"},
		"docker's without a network is too": {"nameserver 127.0.0.11\n", "127.0.0.1", "nameserver 192.0.2.1\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			putFile(t, dir+"/from", c.file)
			r := &resolver{from: dir + "/from", to: dir + "/to", port: "0", log: zaptest.NewLogger(t),
				uplink: func() (hostnet.Uplink, error) { return hostnet.Uplink{Address: netip.MustParseAddr(c.node)}, nil }}
			if err := r.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer r.undo(t.Context())
			if got := getFile(t, dir+"/to"); got != c.want || r.forwarder != nil {
				t.Errorf("got %q, forwarder %v", got, r.forwarder)
			}
		})
	}
}

func TestResolverForwardsWhereTheResolverIsOnLoopback(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	mountTmpfs(t, "/mnt")
	mountTmpfs(t, "/run")
	if err := Network(zaptest.NewLogger(t), false, nil)(t.Context()); err != nil {
		t.Skip(err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	node := netip.MustParsePrefix("10.9.0.2/32")
	if err := netlink.AddrAdd(lo, &netlink.Addr{IPNet: &net.IPNet{IP: node.Addr().AsSlice(), Mask: net.CIDRMask(32, 32)}}); err != nil {
		t.Fatal(err)
	}
	putFile(t, "/mnt/from", "nameserver 127.0.0.11\noptions ndots:0\n")
	r := &resolver{from: "/mnt/from", to: "/run/resolv.conf", port: "53", log: zaptest.NewLogger(t),
		uplink: func() (hostnet.Uplink, error) { return hostnet.Uplink{Address: node.Addr()}, nil }}
	for range 2 {
		if err := r.run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := getFile(t, "/run/resolv.conf"); got != "nameserver 10.9.0.2\noptions ndots:0\n" {
		t.Errorf("got %q", got)
	}
	answer, err := dns.Exchange(new(dns.Msg).SetQuestion("x.", dns.TypeA), "10.9.0.2:53")
	if err != nil || answer.Rcode != dns.RcodeServerFailure {
		t.Errorf("got %v, %v", answer, err)
	}
	for range 2 {
		if err := r.undo(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
