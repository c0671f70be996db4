package hostnet

import (
	"errors"
	"os/exec"
	"slices"
	"testing"
)

func TestDecideFirewall(t *testing.T) {
	no := errors.New("nftables does not work: no such file or directory")
	cases := map[string]struct {
		nft      error
		legacy   int
		tables   []string
		mode     string
		iptables string
	}{
		"an empty kernel takes nftables":                        {nil, 0, nil, "nftables", "nft"},
		"rules of iptables-nft keep it":                         {nil, 0, []string{"ip nat"}, "nftables", "nft"},
		"rules of both kinds take nft":                          {nil, 3, []string{"ip nat"}, "nftables", "nft"},
		"legacy rules keep iptables-legacy beside nftables":     {nil, 3, nil, "nftables", "legacy"},
		"a kernel without nf_tables has iptables-legacy":        {no, 0, nil, "iptables", "legacy"},
		"a kernel without nf_tables and with rules has it also": {no, 3, nil, "iptables", "legacy"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := decide(c.nft, c.legacy, c.tables)
			if f.Mode() != c.mode || f.IPTables != c.iptables || f.Reason == "" {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Skipf("%v: %v\n%s", args, err, out)
	}
}

func TestProbeFindsRulesOfNft(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	if err := nftCheck(t.Context()); err != nil {
		t.Skip(err)
	}
	if got := nftTables(); len(got) != 0 {
		t.Errorf("the check left %v", got)
	}
	run(t, "nft", "add table ip nat")
	run(t, "nft", "add table inet filter")
	run(t, "nft", "add table ip kube-proxy")
	if got := nftTables(); !slices.Equal(got, []string{"ip nat", "inet filter"}) {
		t.Errorf("got %q", got)
	}
	if f := ProbeFirewall(t.Context()); !f.Nftables || f.IPTables != "nft" {
		t.Errorf("got %+v", f)
	}
}

func TestProbeFindsRulesOfIptablesLegacy(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	run(t, "iptables-legacy", "-t", "nat", "-L")
	if n := legacyRules(); n != 0 {
		t.Errorf("%d rules in an empty table", n)
	}
	run(t, "iptables-legacy", "-t", "nat", "-A", "OUTPUT", "-d", "127.0.0.11", "-j", "ACCEPT")
	run(t, "iptables-legacy", "-t", "nat", "-N", "DOCKER")
	// A chain of one's own has a head and a return.
	if n := legacyRules(); n < 1 || n > 3 {
		t.Errorf("%d rules", n)
	}
	if f := ProbeFirewall(t.Context()); f.IPTables != "legacy" {
		t.Errorf("got %+v", f)
	}
}
