package phases

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	certutil "k8s.io/client-go/util/cert"
	kubeadmutil "k8s.io/kubernetes/cmd/kubeadm/app/util"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/pkiutil"

	"github.com/lyft/dockernetes/internal/config"
)

// servingCertificates are those that the components would otherwise sign for
// themselves at each start, with an RSA key.
func servingCertificates(c *config.Config, ca pkiutil.CertConfig) map[string]*pkiutil.CertConfig {
	loopback := certutil.AltNames{DNSNames: []string{"localhost"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}}
	node := certutil.AltNames{
		DNSNames: []string{"localhost", c.NodeName()},
		IPs:      []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if ip := net.ParseIP(c.NodeIP()); ip != nil {
		node.IPs = append(node.IPs, ip)
	}
	serving := func(name string, names certutil.AltNames) *pkiutil.CertConfig {
		return &pkiutil.CertConfig{
			Config: certutil.Config{
				CommonName: name,
				AltNames:   names,
				Usages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
				NotBefore:  ca.NotBefore,
			},
			NotAfter:            notAfter(c),
			EncryptionAlgorithm: ca.EncryptionAlgorithm,
		}
	}
	return map[string]*pkiutil.CertConfig{
		"kubelet":                 serving(c.NodeName(), node),
		"kube-controller-manager": serving("kube-controller-manager", loopback),
		"kube-scheduler":          serving("kube-scheduler", loopback),
	}
}

// notAfter is the end of a certificate that is issued now.
func notAfter(c *config.Config) time.Time {
	return kubeadmutil.StartTimeUTC().Add(c.Init.CertificateValidityPeriod.Duration)
}

// unfit says why the pair called base is not what want describes, or nil.
func (a authority) unfit(dir, base string, want *pkiutil.CertConfig) error {
	certPath, keyPath := pkiutil.PathsForCertAndKey(dir, base)
	if !there(certPath) || !there(keyPath) {
		return errors.New("the certificate or its key is missing")
	}
	cert, err := pkiutil.TryLoadCertFromDisk(dir, base)
	if err != nil {
		return err
	}
	key, err := pkiutil.TryLoadKeyFromDisk(dir, base)
	if err != nil {
		return err
	}
	if info, err := os.Stat(keyPath); err != nil || info.Mode().Perm() != secret {
		return fmt.Errorf("others may read %s", keyPath)
	}
	if !belongs(key, cert) {
		return errors.New("the key is another certificate's")
	}
	return a.unfitCertificate(cert, want, time.Now())
}

// unfitCertificate says why cert is not what want describes, or nil.
func (a authority) unfitCertificate(cert *x509.Certificate, want *pkiutil.CertConfig, now time.Time) error {
	if err := cert.CheckSignatureFrom(a.cert); err != nil {
		return errors.New("it is not signed by the CA")
	}
	// Early enough for a container that is started now and then, and late
	// enough to leave a certificate alone that was made for a day.
	if life := cert.NotAfter.Sub(cert.NotBefore); now.After(cert.NotAfter.Add(-life / 3)) {
		return fmt.Errorf("it ends at %s", cert.NotAfter.Format(time.RFC3339))
	}
	switch {
	case cert.Subject.CommonName != want.CommonName || !sameSet(cert.Subject.Organization, want.Organization):
		return fmt.Errorf("it is for %s", cert.Subject)
	case !sameSet(cert.ExtKeyUsage, want.Usages):
		return errors.New("it is for another use")
	case !sameSet(cert.DNSNames, want.AltNames.DNSNames):
		return fmt.Errorf("it is for the names %v", cert.DNSNames)
	case !sameSet(texts(cert.IPAddresses), texts(want.AltNames.IPs)):
		return fmt.Errorf("it is for the addresses %v", cert.IPAddresses)
	}
	return nil
}

// belongs says if key is the one that cert is for.
func belongs(key crypto.Signer, cert *x509.Certificate) bool {
	public, comparable := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return comparable && public.Equal(cert.PublicKey)
}

func texts(ips []net.IP) []string {
	all := make([]string, 0, len(ips))
	for _, ip := range ips {
		all = append(all, ip.String())
	}
	return all
}

// sameSet says if a and b hold the same, in whatever order and number.
func sameSet[T comparable](a, b []T) bool {
	in := func(set []T) func(T) bool { return func(x T) bool { return !slices.Contains(set, x) } }
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}
