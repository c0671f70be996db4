package phases

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/util/keyutil"
	kubeadmapi "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	kubeadmconstants "k8s.io/kubernetes/cmd/kubeadm/app/constants"
	"k8s.io/kubernetes/cmd/kubeadm/app/phases/certs"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/pkiutil"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// servingDir is where the certificates are that kubeadm does not know of; the
// configuration's defaults name it.
const servingDir = "/etc/kubernetes/pki"

// PKI makes what certificates and keys are missing, and those anew that no
// longer fit: of another address, another CA, or near their end. Which there
// are and what is in them is kubeadm's to say; kubeadm's own writing of them
// is not used as it refuses to replace a certificate, and is not atomic.
func PKI(c *config.Config) func(context.Context) error {
	return func(context.Context) error { return makePKI(c) }
}

func makePKI(c *config.Config) error {
	dir := c.Path(c.Init.CertificatesDir)
	list := certs.GetDefaultCertList()
	if c.Init.Etcd.Local == nil {
		list = certs.GetCertsWithoutEtcd()
	}
	tree, err := list.AsMap().CertTree()
	if err != nil {
		return err
	}
	var group errgroup.Group
	for ca, leaves := range tree {
		group.Go(func() error { return makeBranch(c, dir, ca, leaves) })
	}
	group.Go(func() error { return makeServiceAccountKey(dir, c.Init.EncryptionAlgorithm) })
	return group.Wait()
}

// makeBranch makes a CA and the certificates that it signs.
func makeBranch(c *config.Config, dir string, ca *certs.KubeadmCert, leaves certs.Certificates) error {
	caConfig, err := ca.GetConfig(c.Init)
	if err != nil {
		return fmt.Errorf("cannot describe the CA %s: %w", ca.Name, err)
	}
	issuer, err := ensureCA(dir, ca.BaseName, caConfig)
	if err != nil {
		return err
	}
	var group errgroup.Group
	for _, leaf := range leaves {
		leafConfig, err := leaf.GetConfig(c.Init)
		if err != nil {
			return fmt.Errorf("cannot describe the certificate %s: %w", leaf.Name, err)
		}
		group.Go(func() error { return issuer.ensure(dir, leaf.BaseName, leafConfig) })
	}
	if ca.BaseName == kubeadmconstants.CACertAndKeyBaseName {
		for name, leafConfig := range servingCertificates(c, *caConfig) {
			group.Go(func() error { return issuer.ensure(c.Path(servingDir), name, leafConfig) })
		}
	}
	return group.Wait()
}

// authority is a CA. Without a key it is one whose certificates somebody else
// issues, which kubeadm calls external.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// ensureCA loads a CA, or makes it where there is no certificate yet. What it
// does not understand it leaves alone: all that a cluster trusts hangs on it.
func ensureCA(dir, base string, want *pkiutil.CertConfig) (authority, error) {
	certPath, keyPath := pkiutil.PathsForCertAndKey(dir, base)
	if !there(certPath) {
		cert, key, err := pkiutil.NewCertificateAuthority(want)
		if err != nil {
			return authority{}, fmt.Errorf("cannot make the CA %s: %w", certPath, err)
		}
		return authority{cert, key}, writePair(dir, base, cert, key)
	}
	cert, err := pkiutil.TryLoadCertFromDisk(dir, base)
	if err != nil {
		return authority{}, brokenCA(certPath, err)
	}
	if !cert.IsCA {
		return authority{}, brokenCA(certPath, fmt.Errorf("the certificate is not a CA's"))
	}
	if err := pkiutil.ValidateCertPeriod(cert, 0); err != nil {
		return authority{}, brokenCA(certPath, err)
	}
	if !there(keyPath) {
		return authority{cert: cert}, nil
	}
	key, err := pkiutil.TryLoadKeyFromDisk(dir, base)
	if err != nil {
		return authority{}, brokenCA(keyPath, err)
	}
	if !belongs(key, cert) {
		return authority{}, brokenCA(keyPath, fmt.Errorf("it is not the key of %s", certPath))
	}
	return authority{cert, key}, nil
}

func brokenCA(path string, err error) error {
	return supervisor.Final(fmt.Errorf("cannot use the CA's %s: %w; put the right file there, or remove the CA's .crt and .key for a new one", path, err))
}

// ensure makes the pair of certificate and key called base fit want.
func (a authority) ensure(dir, base string, want *pkiutil.CertConfig) error {
	unfit := a.unfit(dir, base, want)
	if unfit == nil {
		return nil
	}
	certPath, _ := pkiutil.PathsForCertAndKey(dir, base)
	if a.key == nil {
		return supervisor.Final(fmt.Errorf("cannot use %s: %w, and it cannot be issued without the CA's key; put the certificate or the key there", certPath, unfit))
	}
	cert, key, err := pkiutil.NewCertAndKey(a.cert, a.key, want)
	if err != nil {
		return fmt.Errorf("cannot issue %s: %w", certPath, err)
	}
	return writePair(dir, base, cert, key)
}

// writePair writes the key first: a certificate means that there is a key.
func writePair(dir, base string, cert *x509.Certificate, key crypto.Signer) error {
	certPath, keyPath := pkiutil.PathsForCertAndKey(dir, base)
	text, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return fmt.Errorf("cannot encode %s: %w", keyPath, err)
	}
	if err := write(keyPath, text, secret); err != nil {
		return err
	}
	return write(certPath, pkiutil.EncodeCertPEM(cert), public)
}

// makeServiceAccountKey makes the key that signs the tokens of service
// accounts, and its public half.
func makeServiceAccountKey(dir string, kind kubeadmapi.EncryptionAlgorithmType) error {
	keyPath := filepath.Join(dir, kubeadmconstants.ServiceAccountPrivateKeyName)
	var key crypto.Signer
	var err error
	if there(keyPath) {
		if key, err = pkiutil.TryLoadKeyFromDisk(dir, kubeadmconstants.ServiceAccountKeyBaseName); err != nil {
			return supervisor.Final(fmt.Errorf("cannot read %s: %w; remove it for a new key", keyPath, err))
		}
		if err := os.Chmod(keyPath, secret); err != nil {
			return fmt.Errorf("cannot hide %s from others: %w", keyPath, err)
		}
	} else {
		if key, err = pkiutil.NewPrivateKey(kind); err != nil {
			return fmt.Errorf("cannot make %s: %w", keyPath, err)
		}
		text, err := keyutil.MarshalPrivateKeyToPEM(key)
		if err != nil {
			return fmt.Errorf("cannot encode %s: %w", keyPath, err)
		}
		if err := write(keyPath, text, secret); err != nil {
			return err
		}
	}
	text, err := pkiutil.EncodePublicKeyPEM(key.Public())
	if err != nil {
		return fmt.Errorf("cannot encode the public half of %s: %w", keyPath, err)
	}
	return write(filepath.Join(dir, kubeadmconstants.ServiceAccountPublicKeyName), text, public)
}
