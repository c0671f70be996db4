package hostnet

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
)

// Resolver is what a resolv.conf says.
type Resolver struct {
	Servers []netip.Addr
	Search  []string
	Options []string
}

// unreachable stands for "no resolver": TEST-NET-1 (RFC 5737), which has no
// hosts. CoreDNS does not start with an empty list, and a loopback address
// would be CoreDNS itself.
var unreachable = netip.AddrFrom4([4]byte{192, 0, 2, 1})

// ReadResolver reads a resolv.conf. A file that doesn't exist is an empty one.
func ReadResolver(path string) (Resolver, error) {
	var r Resolver
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("cannot read the resolver's configuration: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		line, _, _ = strings.Cut(line, ";")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			// A line that is no address is skipped, as the C library does.
			if addr, err := netip.ParseAddr(fields[1]); err == nil {
				r.Servers = append(r.Servers, addr)
			}
		case "search", "domain": // the last of them counts
			r.Search = fields[1:]
		case "options":
			r.Options = append(r.Options, fields[1:]...)
		}
	}
	if err := lines.Err(); err != nil {
		return r, fmt.Errorf("cannot read the resolver's configuration %s: %w", path, err)
	}
	return r, nil
}

// Loopback tells if a server can only be reached from the container itself:
// Docker's 127.0.0.11 or systemd-resolved's 127.0.0.53. No pod can ask these.
func (r Resolver) Loopback() bool {
	for _, s := range r.Servers {
		if s.IsLoopback() {
			return true
		}
	}
	return false
}

// ForPods is the resolver that pods get: the same, or with a loopback server
// the forwarder at the node's address instead.
func (r Resolver) ForPods(node netip.Addr) Resolver {
	switch {
	case r.Loopback() && !node.IsLoopback():
		r.Servers = []netip.Addr{node}
	case r.Loopback() || len(r.Servers) == 0:
		r.Servers = []netip.Addr{unreachable}
	}
	return r
}

// String is the resolver as a resolv.conf.
func (r Resolver) String() string {
	var b strings.Builder
	for _, s := range r.Servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	if len(r.Search) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(r.Search, " "))
	}
	if len(r.Options) > 0 {
		fmt.Fprintf(&b, "options %s\n", strings.Join(r.Options, " "))
	}
	return b.String()
}

// WriteInPlace writes a file without renaming another over it: /etc/hosts,
// /etc/hostname and /etc/resolv.conf are bind mounts in a container, and a
// rename onto a mount point fails. What is there already is not written again.
func WriteInPlace(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(content) {
		return nil
	}
	if err := writeInPlace(path, content, os.O_CREATE|os.O_TRUNC); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

func writeInPlace(path string, content []byte, flags int) error {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_CLOEXEC|flags, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
