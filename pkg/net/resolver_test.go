package hostnet

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadResolver(t *testing.T) {
	cases := map[string]struct{ file, want string }{
		"docker's own":               {"# made by Docker\nsearch corp.example\nnameserver 127.0.0.11\noptions edns0 trust-ad ndots:0\n", "nameserver 127.0.0.11\nsearch corp.example\noptions edns0 trust-ad ndots:0\n"},
		"several servers":            {"nameserver 10.0.0.1\nnameserver fd00::1\n", "nameserver 10.0.0.1\nnameserver fd00::1\n"},
		"remarks and nonsense":       {"; x\nnameserver\nnameserver example\n nameserver 1.2.3.4 # one\nbogus 1\n", "nameserver 1.2.3.4\n"},
		"the last search list holds": {"domain a\nsearch b c\n", "search b c\n"},
		"a server with a zone":       {"nameserver fe80::1%eth0\n", "nameserver fe80::1%eth0\n"},
		"nothing":                    {"", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "resolv.conf")
			if err := os.WriteFile(path, []byte(c.file), 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := ReadResolver(path)
			if err != nil || r.String() != c.want {
				t.Errorf("got %q, %v; want %q", r, err, c.want)
			}
		})
	}
}

func TestAMissingResolvConfIsAnEmptyOne(t *testing.T) {
	r, err := ReadResolver(filepath.Join(t.TempDir(), "none"))
	if err != nil || len(r.Servers) != 0 {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestTheResolverForPods(t *testing.T) {
	cases := map[string]struct{ servers, node, want string }{
		"a real one is kept":                                {"10.0.0.1 10.0.0.2", "172.17.0.2", "10.0.0.1 10.0.0.2"},
		"docker's becomes the node":                         {"127.0.0.11", "172.17.0.2", "172.17.0.2"},
		"one of several on loopback becomes the node":       {"10.0.0.1 127.0.0.53", "172.17.0.2", "172.17.0.2"},
		"none becomes an address that nobody has":           {"", "172.17.0.2", "192.0.2.1"},
		"loopback without a network is never loopback":      {"127.0.0.11", "127.0.0.1", "192.0.2.1"},
		"IPv6 loopback becomes the node":                    {"::1", "fd00::2", "fd00::2"},
		"a real one without a network is kept, though dead": {"10.0.0.1", "127.0.0.1", "10.0.0.1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := Resolver{Search: []string{"x"}}
			for _, s := range strings.Fields(c.servers) {
				r.Servers = append(r.Servers, netip.MustParseAddr(s))
			}
			var got []string
			for _, s := range r.ForPods(netip.MustParseAddr(c.node)).Servers {
				got = append(got, s.String())
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestWriteInPlaceKeepsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("something longer than the new"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(path)
	if err := WriteInPlace(path, []byte("new\n")); err != nil {
		t.Fatal(err)
	}
	after, _ := os.Stat(path)
	content, _ := os.ReadFile(path)
	if !os.SameFile(before, after) || string(content) != "new\n" {
		t.Errorf("got %q, the same file: %v", content, os.SameFile(before, after))
	}
	if err := WriteInPlace(path, []byte("new\n")); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.Stat(path); !again.ModTime().Equal(after.ModTime()) {
		t.Error("the same content was written again")
	}
	if err := WriteInPlace(filepath.Join(path, "x"), nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}
