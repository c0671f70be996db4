package hostnet

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/zap/zaptest"
)

// upstream is a DNS server whose answer to everything is its text. Over UDP it
// cuts off the answer to a name that begins with "big".
func upstream(t *testing.T, addr, text string) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := net.Listen("tcp", packets.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	for _, s := range []*dns.Server{{PacketConn: packets}, {Listener: stream}} {
		s.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			a := new(dns.Msg).SetReply(q)
			a.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{text}}}
			if s.PacketConn != nil && strings.HasPrefix(q.Question[0].Name, "big") {
				a.Answer, a.Truncated = nil, true
			}
			_ = w.WriteMsg(a)
		})
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		wg.Go(func() { _ = s.ActivateAndServe() })
		<-up
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	_, port, _ := net.SplitHostPort(packets.LocalAddr().String())
	return port
}

func writeResolvConf(t *testing.T, path string, servers ...string) {
	t.Helper()
	content := ""
	for _, s := range servers {
		content += "nameserver " + s + "\n"
	}
	if err := WriteInPlace(path, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, f *Forwarder, network, name string) *dns.Msg {
	t.Helper()
	c := dns.Client{Net: network, Timeout: 10 * time.Second}
	a, _, err := c.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeTXT), f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func text(a *dns.Msg) string {
	if len(a.Answer) != 1 {
		return dns.RcodeToString[a.Rcode]
	}
	return a.Answer[0].(*dns.TXT).Txt[0]
}

func start(t *testing.T, conf, port string) *Forwarder {
	t.Helper()
	f := &Forwarder{Path: conf, Port: port, Log: zaptest.NewLogger(t)}
	if err := f.Start(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Stop)
	return f
}

func TestForwarderPassesOnOverUDPAndTCP(t *testing.T) {
	port := upstream(t, "127.0.0.11:0", "docker")
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	writeResolvConf(t, conf, "127.0.0.11")
	f := start(t, conf, port)

	for _, network := range []string{"udp", "tcp"} {
		if got := text(ask(t, f, network, "example.org.")); got != "docker" {
			t.Errorf("%s: %s", network, got)
		}
	}
	if a := ask(t, f, "udp", "big.example."); !a.Truncated {
		t.Error("a cut-off answer doesn't say so")
	}
	if got := text(ask(t, f, "tcp", "big.example.")); got != "docker" {
		t.Errorf("the whole of it: %s", got)
	}
}

func TestForwarderTakesTheNextServer(t *testing.T) {
	port := upstream(t, "127.0.0.12:0", "second")
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	writeResolvConf(t, conf, "127.0.0.11", "127.0.0.12") // nobody listens on the first
	if got := text(ask(t, start(t, conf, port), "udp", "example.org.")); got != "second" {
		t.Error(got)
	}
}

func TestForwarderFollowsTheFile(t *testing.T) {
	port := upstream(t, "127.0.0.12:0", "new")
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	writeResolvConf(t, conf)
	f := start(t, conf, port)
	if got := text(ask(t, f, "udp", "example.org.")); got != "SERVFAIL" {
		t.Errorf("without a server: %s", got)
	}
	writeResolvConf(t, conf, "127.0.0.12")
	// Two writes can fall into one tick of the file system's clock.
	if err := os.Chtimes(conf, time.Time{}, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := text(ask(t, f, "udp", "example.org.")); got != "new" {
		t.Errorf("with one: %s", got)
	}
}

func TestForwarderSaysServfailWhenNobodyAnswers(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	writeResolvConf(t, conf, "127.0.0.11")
	if got := text(ask(t, start(t, conf, "1"), "udp", "example.org.")); got != "SERVFAIL" {
		t.Error(got)
	}
}

func TestForwarderNamesAnAddressThatIsTaken(t *testing.T) {
	f := start(t, "/nowhere", "")
	second := &Forwarder{Path: "/nowhere", Log: zaptest.NewLogger(t)}
	err := second.Start(t.Context(), f.Addr().String())
	if err == nil || !strings.Contains(err.Error(), f.Addr().String()) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v", err)
	}
	second.Stop()
}

func TestForwarderStopsTwiceAndStartsAgain(t *testing.T) {
	f := start(t, "/nowhere", "")
	addr := f.Addr().String()
	f.Stop()
	f.Stop()
	if err := f.Start(t.Context(), addr); err != nil {
		t.Error(err)
	}
}
