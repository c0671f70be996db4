package boot

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/miekg/dns"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/lyft/dockernetes/pkg/phases"
)

func mustProbes(t *testing.T) *probes {
	t.Helper()
	c := load(t, "")
	c.Root = t.TempDir()
	if err := phases.PKI(c)(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := newProbes(c, phases.NewClient(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.http.CloseIdleConnections)
	return p
}

// serve answers DNS questions on a loopback port.
func serve(t *testing.T, handler dns.HandlerFunc) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: handler}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown(); conn.Close(); <-done })
	return conn.LocalAddr().String()
}

func TestDNSIsSeenWhenTheServiceOfTheAPIIsKnown(t *testing.T) {
	answer := func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Name == "kubernetes.default.svc.cluster.local." {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5}, A: net.IPv4(10, 96, 0, 1)}}
		}
		_ = w.WriteMsg(m)
	}
	tests := map[string]struct {
		handler dns.HandlerFunc
		want    string
	}{
		"the name has an address": {answer, ""},
		"CoreDNS has not read the Services yet": {func(w dns.ResponseWriter, q *dns.Msg) {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeServerFailure))
		}, "does not know kubernetes.default yet"},
		"nobody answers": {func(dns.ResponseWriter, *dns.Msg) {}, "does not answer yet"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := mustProbes(t)
			p.dnsAt = serve(t, test.handler)
			err := p.dns(t.Context())
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("the error is %v, not %q", err, test.want)
			}
		})
	}
}

func TestAProbeTrustsOnlyTheClustersCA(t *testing.T) {
	stranger := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer stranger.Close()
	if err := mustProbes(t).get(t.Context(), stranger.URL); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("the error is %v", err)
	}
}

func TestAProbeSaysWhichCheckFails(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"))
	}))
	defer server.Close()
	err := mustProbes(t).get(t.Context(), server.URL)
	if err == nil || !strings.HasSuffix(err.Error(), "500 Internal Server Error: etcd failed: reason withheld") {
		t.Errorf("the error is %v", err)
	}
}

func TestAProbeEndsWithItsContext(t *testing.T) {
	hangs := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hangs }))
	defer server.Close()
	defer close(hangs)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := mustProbes(t).get(ctx, server.URL); err == nil {
		t.Error("there is no error")
	}
}

func TestANodeIsReadyWhenItSaysSo(t *testing.T) {
	node := func(conditions ...corev1.NodeCondition) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: corev1.NodeStatus{Conditions: conditions}}
	}
	tests := map[string]struct {
		node *corev1.Node
		want string
	}{
		"it has no condition": {node(), "has not said yet"},
		"it is not ready":     {node(corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionFalse, Message: "no CNI"}), "not Ready: no CNI"},
		"it is ready":         {node(corev1.NodeCondition{Type: corev1.NodeMemoryPressure}, corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue}), ""},
	}
	for name, test := range tests {
		if got := notReady(test.node); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
