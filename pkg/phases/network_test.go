package phases

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"
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
		if err := Network(zaptest.NewLogger(t), true)(t.Context()); err != nil {
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
	cases := map[string]struct {
		file, node string
		want       string
		forwards   bool
	}{
		"a real resolver is handed on":      {"search x\nnameserver 10.0.0.1\n", "127.0.0.2", "nameserver 10.0.0.1\nsearch x\n", false},
		"without one there is a dead one":   {"", "10.9.0.2", "nameserver 192.0.2.1\n", false},
		"docker's without a network is too": {"nameserver 127.0.0.11\n", "127.0.0.1", "nameserver 192.0.2.1\n", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			putFile(t, dir+"/from", c.file)
			r := &resolver{from: dir + "/from", to: dir + "/to", port: "0", log: zaptest.NewLogger(t),
				uplink: func() (hostnet.Uplink, error) { return hostnet.Uplink{Address: netip.MustParseAddr(c.node)}, nil }}
			if os.Getuid() != 0 {
				t.Skip("needs root")
			}
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
	if err := Network(zaptest.NewLogger(t), false)(t.Context()); err != nil {
		t.Skip(err)
	}
	// The whole of 127/8 is lo's: a node's address that can be listened on,
	// and that a test may call no loopback address.
	putFile(t, "/mnt/from", "nameserver 127.0.0.11\noptions ndots:0\n")
	r := &resolver{from: "/mnt/from", to: "/run/resolv.conf", port: "53", log: zaptest.NewLogger(t),
		uplink: func() (hostnet.Uplink, error) {
			return hostnet.Uplink{Address: netip.MustParseAddr("::ffff:127.0.0.9")}, nil
		}}
	for range 2 {
		if err := r.run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := getFile(t, "/run/resolv.conf"); !strings.Contains(got, "127.0.0.9") {
		t.Skipf("an address of this form counts as loopback: %q", got)
	}
	answer, err := dns.Exchange(new(dns.Msg).SetQuestion("x.", dns.TypeA), "127.0.0.9:53")
	if err != nil || answer.Rcode != dns.RcodeServerFailure {
		t.Errorf("got %v, %v", answer, err)
	}
	for range 2 {
		if err := r.undo(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
