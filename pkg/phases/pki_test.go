package phases

import (
	"crypto/x509"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/pkiutil"
)

// tree reads every file under dir: path to content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	mustDo(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[name] = mustRead(t, path)
		return err
	}))
	return files
}

func changed(before, after map[string]string) []string {
	var names []string
	for name, text := range after {
		if before[name] != text {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestPKIMakesWhatTheComponentsAreToldToUse(t *testing.T) {
	c := testConfig(t, testHost, "")
	mustDo(t, PKI(c)(t.Context()))
	dir := c.Path("/etc/kubernetes/pki")
	for _, name := range []string{
		"ca", "apiserver", "apiserver-kubelet-client", "apiserver-etcd-client", "front-proxy-ca", "front-proxy-client",
		"etcd/ca", "etcd/server", "etcd/peer", "etcd/healthcheck-client", "kubelet", "kube-controller-manager", "kube-scheduler",
	} {
		cert, _, err := pkiutil.TryLoadCertAndKeyFromDisk(dir, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if cert.PublicKeyAlgorithm != x509.ECDSA {
			t.Errorf("%s has a key of %s", name, cert.PublicKeyAlgorithm)
		}
	}
	if _, _, err := pkiutil.TryLoadPrivatePublicKeyFromDisk(dir, "sa"); err == nil {
		t.Log("kubeadm reads the key of service accounts")
	}
	for name := range tree(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		mustDo(t, err)
		if want := map[bool]fs.FileMode{true: 0o600, false: 0o644}[strings.HasSuffix(name, ".key")]; info.Mode().Perm() != want {
			t.Errorf("%s has the mode %o, not %o", name, info.Mode().Perm(), want)
		}
	}
	cert, err := pkiutil.TryLoadCertFromDisk(dir, "apiserver")
	mustDo(t, err)
	for _, name := range []string{"localhost", "127.0.0.1", "docker", "kubernetes", "kubernetes.default.svc.cluster.local", "box", "dockernetes", "172.17.0.2", "10.96.0.1"} {
		if err := cert.VerifyHostname(name); err != nil {
			t.Errorf("the API server's certificate: %v", err)
		}
	}
}

func TestPKILeavesAloneWhatFits(t *testing.T) {
	c := testConfig(t, testHost, "")
	mustDo(t, PKI(c)(t.Context()))
	before := tree(t, c.Root)
	mustDo(t, PKI(c)(t.Context()))
	if names := changed(before, tree(t, c.Root)); names != nil {
		t.Errorf("a second run changed %v", names)
	}
}

func TestPKIFollowsTheNodesAddress(t *testing.T) {
	c := testConfig(t, testHost, "")
	mustDo(t, PKI(c)(t.Context()))
	before := tree(t, c.Path("/etc/kubernetes/pki"))

	moved := testHost
	moved.NodeIP = "172.18.0.9"
	c2 := testConfig(t, moved, "")
	c2.Root = c.Root
	mustDo(t, PKI(c2)(t.Context()))
	want := []string{
		"apiserver.crt", "apiserver.key", "etcd/peer.crt", "etcd/peer.key", "etcd/server.crt", "etcd/server.key", "kubelet.crt", "kubelet.key",
	}
	if names := changed(before, tree(t, c.Path("/etc/kubernetes/pki"))); !slices.Equal(names, want) {
		t.Errorf("issued again: %v, not %v", names, want)
	}
	cert, err := pkiutil.TryLoadCertFromDisk(c.Path("/etc/kubernetes/pki"), "apiserver")
	mustDo(t, err)
	if cert.VerifyHostname("172.18.0.9") != nil || cert.VerifyHostname("172.17.0.2") == nil {
		t.Errorf("the certificate is for %v", cert.IPAddresses)
	}
}

func TestPKIRepairsWhatACrashLeft(t *testing.T) {
	damage := map[string]struct {
		file string
		do   func(path string) error
	}{
		"a certificate without its key":         {"apiserver.key", os.Remove},
		"a key without its certificate":         {"apiserver.crt", os.Remove},
		"an empty certificate":                  {"etcd/server.crt", func(p string) error { return os.Truncate(p, 0) }},
		"half a key":                            {"front-proxy-client.key", func(p string) error { return os.Truncate(p, 40) }},
		"no public key of the service accounts": {"sa.pub", os.Remove},
		"a key that others may read":            {"kubelet.key", func(p string) error { return os.Chmod(p, 0o644) }},
		"a CA's key without a certificate":      {"front-proxy-ca.crt", os.Remove},
	}
	for name, d := range damage {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t, testHost, "")
			mustDo(t, PKI(c)(t.Context()))
			dir := c.Path("/etc/kubernetes/pki")
			mustDo(t, d.do(filepath.Join(dir, d.file)))
			mustDo(t, PKI(c)(t.Context()))
			before := tree(t, dir)
			for _, pair := range []string{"apiserver", "etcd/server", "front-proxy-ca", "front-proxy-client", "kubelet"} {
				cert, key, err := pkiutil.TryLoadCertAndKeyFromDisk(dir, pair)
				mustDo(t, err)
				if !belongs(key, cert) {
					t.Errorf("%s: the key is another's", pair)
				}
			}
			mustDo(t, PKI(c)(t.Context()))
			if names := changed(before, tree(t, dir)); names != nil {
				t.Errorf("it is not at rest, another run changed %v", names)
			}
		})
	}
}

func TestPKINeverReplacesACA(t *testing.T) {
	damage := map[string]func(dir string) error{
		"with another CA's key": func(dir string) error {
			text, err := os.ReadFile(filepath.Join(dir, "etcd/ca.key"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "ca.key"), text, 0o600)
		},
		"that is no certificate": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "ca.crt"), []byte("hello"), 0o600)
		},
		"that is no CA": func(dir string) error {
			text, err := os.ReadFile(filepath.Join(dir, "apiserver.crt"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "ca.crt"), text, 0o600)
		},
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			c := testConfig(t, testHost, "")
			mustDo(t, PKI(c)(t.Context()))
			dir := c.Path("/etc/kubernetes/pki")
			mustDo(t, do(dir))
			before := tree(t, dir)
			err := PKI(c)(t.Context())
			if err == nil || !strings.Contains(err.Error(), "/etc/kubernetes/pki/ca.") {
				t.Errorf("the error is %v", err)
			}
			if after := tree(t, dir); after["ca.crt"] != before["ca.crt"] || after["ca.key"] != before["ca.key"] {
				t.Error("the CA was replaced")
			}
		})
	}
}

func TestAnExternalCAIsUsedAsLongAsItsCertificatesFit(t *testing.T) {
	c := testConfig(t, testHost, "")
	mustDo(t, PKI(c)(t.Context()))
	dir := c.Path("/etc/kubernetes/pki")
	mustDo(t, os.Remove(filepath.Join(dir, "ca.key")))
	mustDo(t, PKI(c)(t.Context()))
	mustDo(t, os.Remove(filepath.Join(dir, "apiserver.key")))
	if err := PKI(c)(t.Context()); err == nil || !strings.Contains(err.Error(), "apiserver.crt") {
		t.Errorf("the error is %v", err)
	}
}

func TestACertificateFitsAsLongAsItIsWhatIsWanted(t *testing.T) {
	make := func(ca authority, change func(*pkiutil.CertConfig)) *x509.Certificate {
		want := wanted()
		change(want)
		cert, _, err := pkiutil.NewCertAndKey(ca.cert, ca.key, want)
		mustDo(t, err)
		return cert
	}
	newCA := func() authority {
		cert, key, err := pkiutil.NewCertificateAuthority(&pkiutil.CertConfig{Config: certutil.Config{CommonName: "ca"}, EncryptionAlgorithm: "ECDSA-P256"})
		mustDo(t, err)
		return authority{cert, key}
	}
	ca := newCA()
	start := time.Now()
	tests := map[string]struct {
		ca     authority
		change func(*pkiutil.CertConfig)
		after  time.Duration
		fits   bool
	}{
		"it is as wanted":                       {change: func(*pkiutil.CertConfig) {}, fits: true},
		"another CA signed it":                  {ca: newCA(), change: func(*pkiutil.CertConfig) {}},
		"another name":                          {change: func(w *pkiutil.CertConfig) { w.CommonName = "me" }},
		"another group":                         {change: func(w *pkiutil.CertConfig) { w.Organization = []string{"x"} }},
		"another use":                           {change: func(w *pkiutil.CertConfig) { w.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }},
		"an address too many":                   {change: func(w *pkiutil.CertConfig) { w.AltNames.IPs = append(w.AltNames.IPs, net.IPv4(10, 0, 0, 2)) }},
		"a DNS name too few":                    {change: func(w *pkiutil.CertConfig) { w.AltNames.DNSNames = nil }},
		"half of its time is over":              {change: func(*pkiutil.CertConfig) {}, after: 5 * time.Hour, fits: true},
		"less than a third of its time is left": {change: func(*pkiutil.CertConfig) {}, after: 8 * time.Hour},
		"its time is over":                      {change: func(*pkiutil.CertConfig) {}, after: 11 * time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			signer := ca
			if test.ca.cert != nil {
				signer = test.ca
			}
			err := ca.unfitCertificate(make(signer, test.change), wanted(), start.Add(test.after))
			if (err == nil) != test.fits {
				t.Errorf("unfit: %v", err)
			}
		})
	}
}

func wanted() *pkiutil.CertConfig {
	return &pkiutil.CertConfig{
		Config: certutil.Config{
			CommonName: "you",
			Usages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			AltNames:   certutil.AltNames{DNSNames: []string{"localhost"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}},
			NotBefore:  time.Now(),
		},
		NotAfter:            time.Now().Add(10 * time.Hour),
		EncryptionAlgorithm: "ECDSA-P256",
	}
}

func BenchmarkPKIAndKubeconfigs(b *testing.B) {
	c := testConfig(b, testHost, "")
	for b.Loop() {
		c.Root = b.TempDir()
		mustDo(b, PKI(c)(b.Context()))
		mustDo(b, Kubeconfigs(c)(b.Context()))
	}
}

func BenchmarkPKIAndKubeconfigsOfARestart(b *testing.B) {
	c := testConfig(b, testHost, "")
	for b.Loop() {
		mustDo(b, PKI(c)(b.Context()))
		mustDo(b, Kubeconfigs(c)(b.Context()))
	}
}
