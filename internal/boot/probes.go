package boot

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/miekg/dns"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/pkg/phases"
)

// probes ask the services whether they do their work. Connections are kept, so
// that a question costs no handshake.
type probes struct {
	client *phases.Client
	http   *http.Client // to what listens on loopback
	unix   *http.Client // to dockerd
	caPath string
	dnsAt  string // host:port
	name   string // that DNS is asked for
	rbac   *authorised

	mu sync.Mutex
	ca *x509.CertPool // read when it is there
}

func newProbes(c *config.Config, client *phases.Client) (*probes, error) {
	address, err := c.DNSAddress()
	if err != nil {
		return nil, err
	}
	p := &probes{
		client: client,
		caPath: c.Path(filepath.Join(c.Init.CertificatesDir, kubeadmconstants.CACertName)),
		dnsAt:  net.JoinHostPort(address, "53"),
		name:   "kubernetes.default.svc." + c.Init.Networking.DNSDomain + ".",
		rbac:   &authorised{client: client},
	}
	p.http = &http.Client{Transport: &http.Transport{
		Proxy:           nil, // never by way of $HTTP_PROXY
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, VerifyConnection: p.verify},
		MaxIdleConns:    8,
	}}
	p.unix = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", DockerSocket)
		},
	}}
	return p, nil
}

// verify checks that the cluster's CA signed the server's certificate. The CA
// is not there yet when the probes are made, which is why crypto/tls is not
// simply given it.
func (p *probes) verify(state tls.ConnectionState) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ca == nil {
		text, err := os.ReadFile(p.caPath)
		if err != nil {
			return err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return fmt.Errorf("cannot use %s: it holds no certificate", p.caPath)
		}
		p.ca = pool
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: p.ca, DNSName: "localhost", CurrentTime: time.Now()})
	return err
}

func (p *probes) get(ctx context.Context, url string) error { return phases.GetOK(ctx, p.http, url) }

func (p *probes) containerd(ctx context.Context) error { return phases.CRI(ctx) }

func (p *probes) etcd(ctx context.Context) error {
	return p.get(ctx, fmt.Sprintf("http://127.0.0.1:%d/livez", kubeadmconstants.EtcdMetricsPort))
}

// apiServer asks for more than a connection and less than /readyz: an etcd
// that is away is etcd's failure, and the hook that makes the RBAC rules sleeps
// a second before it looks for them.
func (p *probes) apiServer(ctx context.Context) error {
	return p.client.Get(ctx, "/livez?exclude=etcd&exclude=poststarthook/rbac/bootstrap-roles")
}

// api is seen when the API server calls itself ready but for the hook that
// makes RBAC's rules, what clients begin with is there, and the rules that the
// components need hold: at once where etcd has them, from the image's seed or an
// earlier start, else when the hook is done.
func (p *probes) api(ctx context.Context) error {
	if err := p.client.Get(ctx, "/readyz?exclude=poststarthook/rbac/bootstrap-roles"); err != nil {
		return err
	}
	// The namespace that all use, and by what the components know who asks
	// them: the controller manager exits without it.
	for _, path := range []string{"/api/v1/namespaces/default", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"} {
		if err := p.client.Get(ctx, path); err != nil {
			return err
		}
	}
	return p.rbac.check(ctx)
}

func (p *probes) controllerManager(ctx context.Context) error {
	return p.get(ctx, fmt.Sprintf("https://127.0.0.1:%d/healthz", kubeadmconstants.KubeControllerManagerPort))
}

func (p *probes) scheduler(ctx context.Context) error {
	return p.get(ctx, fmt.Sprintf("https://127.0.0.1:%d/livez", kubeadmconstants.KubeSchedulerPort))
}

func (p *probes) kubelet(ctx context.Context) error {
	return p.get(ctx, fmt.Sprintf("http://127.0.0.1:%d/healthz", kubeadmconstants.KubeletHealthzPort))
}

func (p *probes) kubeProxy(ctx context.Context) error {
	return p.get(ctx, "http://127.0.0.1:10256/livez")
}

func (p *probes) docker(ctx context.Context) error {
	return phases.GetOK(ctx, p.unix, "http://docker/_ping")
}

// dns asks the DNS Service for the API server's name. It goes the way that a
// pod's question goes: kube-proxy's rules, the pods' network, CoreDNS.
func (p *probes) dns(ctx context.Context) error {
	// A question that is sent before the rules are there is lost, and UDP
	// does not say so.
	const patience = 250 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	question := new(dns.Msg)
	question.SetQuestion(p.name, dns.TypeA)
	client := &dns.Client{Net: "udp"}
	answer, _, err := client.ExchangeContext(ctx, question, p.dnsAt)
	switch {
	case errors.Is(err, context.DeadlineExceeded), err != nil && os.IsTimeout(err):
		return fmt.Errorf("the cluster's DNS at %s does not answer yet", p.dnsAt)
	case err != nil:
		return fmt.Errorf("cannot ask the cluster's DNS at %s: %w", p.dnsAt, err)
	case answer.Rcode != dns.RcodeSuccess || len(answer.Answer) == 0:
		return errNoAnswer
	}
	return nil
}
