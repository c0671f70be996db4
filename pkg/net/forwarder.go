package hostnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/zap"
)

const (
	// upstreamTimeout is for one server; the C library waits 5 s in all.
	upstreamTimeout = 2 * time.Second
	// maxQueries are answered at a time, each with a socket of its own. More
	// than that get SERVFAIL at once, and their senders ask again.
	maxQueries = 512
)

// Forwarder is a DNS server that passes queries on, unchanged, to the servers
// of a resolv.conf. It is for pods, which can't reach a resolver on the
// container's loopback address. It caches nothing: CoreDNS does.
type Forwarder struct {
	// Path is the resolv.conf to follow. It is read again when it changes, as
	// `docker network connect` changes it.
	Path string
	// Port is that of the upstream servers; "" means 53.
	Port string
	Log  *zap.Logger

	servers []*dns.Server
	running sync.WaitGroup
	slots   chan struct{}

	mu       sync.Mutex
	modified time.Time
	upstream []netip.Addr
}

// Start listens on addr, UDP and TCP, and returns once both are served.
// [Forwarder.Stop] ends it.
func (f *Forwarder) Start(ctx context.Context, addr string) error {
	f.slots = make(chan struct{}, maxQueries)
	var listen net.ListenConfig
	packets, err := listen.ListenPacket(ctx, "udp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen for DNS queries on udp %s: %w", addr, err)
	}
	// The same port if addr leaves it to the kernel.
	stream, err := listen.Listen(ctx, "tcp", packets.LocalAddr().String())
	if err != nil {
		_ = packets.Close()
		return fmt.Errorf("cannot listen for DNS queries on tcp %s: %w", addr, err)
	}
	f.servers = []*dns.Server{
		{PacketConn: packets, Handler: f.handler("udp")},
		{Listener: stream, Handler: f.handler("tcp")},
	}
	for _, s := range f.servers {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		failed := make(chan error, 1)
		f.running.Go(func() {
			if err := s.ActivateAndServe(); err != nil {
				f.Log.Error("the DNS forwarder ended", zap.Error(err))
				failed <- err
			}
		})
		select {
		case <-up:
		case err := <-failed:
			f.Stop()
			return fmt.Errorf("cannot serve DNS queries on %s: %w", addr, err)
		}
	}
	return nil
}

// Addr is where it listens, after Start.
func (f *Forwarder) Addr() net.Addr { return f.servers[0].PacketConn.LocalAddr() }

// Stop closes the sockets and returns once the queries under way are done, or
// after a second. A Forwarder that was not started is no error.
func (f *Forwarder) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, s := range f.servers {
		_ = s.ShutdownContext(ctx) // an error means that it was never up, or that time is up
		if s.PacketConn != nil {
			_ = s.PacketConn.Close()
		}
		if s.Listener != nil {
			_ = s.Listener.Close()
		}
	}
	f.running.Wait()
	f.servers = nil
}

func (f *Forwarder) handler(network string) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		select {
		case f.slots <- struct{}{}:
			defer func() { <-f.slots }()
		default:
			_ = w.WriteMsg(new(dns.Msg).SetRcode(query, dns.RcodeServerFailure))
			return
		}
		answer, err := f.exchange(network, query)
		if err != nil {
			f.Log.Debug("cannot forward a DNS query", zap.Stringers("servers", f.upstreams()), zap.Error(err))
			answer = new(dns.Msg).SetRcode(query, dns.RcodeServerFailure)
		}
		// The client is gone if this fails.
		_ = w.WriteMsg(answer)
	}
}

// exchange asks one server after the other until one answers. An answer that
// was cut off goes back as it is: the client then comes again with TCP.
func (f *Forwarder) exchange(network string, query *dns.Msg) (*dns.Msg, error) {
	port := f.Port
	if port == "" {
		port = "53"
	}
	client := dns.Client{Net: network, Timeout: upstreamTimeout, UDPSize: dns.DefaultMsgSize}
	err := errors.New("there is no server to ask")
	for _, server := range f.upstreams() {
		var answer *dns.Msg
		answer, _, err = client.Exchange(query, net.JoinHostPort(server.String(), port))
		if err == nil {
			return answer, nil
		}
	}
	return nil, err
}

// upstreams are the servers of the resolv.conf as it is now.
func (f *Forwarder) upstreams() []netip.Addr {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.Path)
	if err != nil || info.ModTime().Equal(f.modified) {
		return f.upstream
	}
	r, err := ReadResolver(f.Path)
	if err != nil {
		f.Log.Warn("the DNS forwarder keeps its servers", zap.Error(err))
		return f.upstream
	}
	f.modified, f.upstream = info.ModTime(), r.Servers
	return f.upstream
}
