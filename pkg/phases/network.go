package phases

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"go.uber.org/zap"

	hostnet "github.com/lyft/dockernetes/pkg/net"
)

// ResolvConf is the resolv.conf of the kubelet, and so of pods. It has no
// loopback address in it.
const ResolvConf = runDir + "/resolv.conf"

// Network makes links, sysctls and routes as Kubernetes needs them, and chooses
// the flavour of iptables. ipv6 tells if pods get IPv6 addresses; services are
// the ranges of Services' addresses.
func Network(log *zap.Logger, ipv6 bool, services []string) func(context.Context) error {
	return func(ctx context.Context) error {
		var steps []step
		for _, s := range hostnet.Desired(ipv6).Steps() {
			steps = append(steps, s)
		}
		for _, r := range services {
			steps = append(steps, optional{hostnet.ServiceRoute{Range: r}})
		}
		firewall := hostnet.ProbeFirewall(ctx)
		log.Info("firewall", zap.String("kube-proxy", firewall.Mode()), zap.String("iptables", firewall.IPTables), zap.String("why", firewall.Reason))
		return apply(ctx, log, append(steps, flavour(firewall.IPTables, "/")...)...)
	}
}

// flavour has the iptables commands lead to one of the two flavours that
// Debian has, "nft" or "legacy".
func flavour(which, root string) []step {
	var steps []step
	for _, family := range []string{"iptables", "ip6tables"} {
		for _, suffix := range []string{"", "-save", "-restore"} {
			target := "/usr/sbin/" + family + "-" + which + suffix
			path := "/etc/alternatives/" + family + suffix
			if exists(root+target) && exists(root+path) {
				steps = append(steps, link{root + path, target})
			}
		}
	}
	return steps
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Resolver gives pods a resolver that they can reach: [ResolvConf], and the
// forwarder at the node's address where the container's own resolver is on a
// loopback address. Undo stops the forwarder.
func Resolver(log *zap.Logger) (run, undo func(context.Context) error) {
	r := &resolver{from: "/etc/resolv.conf", to: ResolvConf, port: "53", uplink: hostnet.FindUplink, log: log}
	return r.run, r.undo
}

type resolver struct {
	from, to string
	port     string
	uplink   func() (hostnet.Uplink, error)
	log      *zap.Logger

	mu        sync.Mutex
	forwarder *hostnet.Forwarder // nil while it doesn't run
}

func (r *resolver) run(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	uplink, err := r.uplink()
	if err != nil {
		return err
	}
	container, err := hostnet.ReadResolver(r.from)
	if err != nil {
		return err
	}
	if container.Loopback() && !uplink.Loopback() && r.forwarder == nil {
		f := &hostnet.Forwarder{Path: r.from, Log: r.log}
		if err := f.Start(ctx, net.JoinHostPort(uplink.Address.String(), r.port)); err != nil {
			return fmt.Errorf("cannot give pods a resolver in place of %s: %w", container.Servers[0], err)
		}
		r.forwarder = f
	}
	if err := (directory{path: filepath.Dir(r.to), mode: 0o755}).Apply(ctx); err != nil {
		return err
	}
	return hostnet.WriteInPlace(r.to, []byte(container.ForPods(uplink.Address).String()))
}

func (r *resolver) undo(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forwarder != nil {
		r.forwarder.Stop()
		r.forwarder = nil
	}
	return nil
}
