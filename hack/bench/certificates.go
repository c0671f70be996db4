package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// writeCertificates puts into dir what a kube-apiserver has to have, and
// returns an administrator's certificate.
func writeCertificates(dir string) (admin tls.Certificate, err error) {
	ca, err := issue(nil, pkix.Name{CommonName: "yardstick"})
	if err != nil {
		return admin, err
	}
	server, err := issue(ca, pkix.Name{CommonName: "kube-apiserver"})
	if err != nil {
		return admin, err
	}
	client, err := issue(ca, pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}})
	if err != nil {
		return admin, err
	}
	account, err := issue(nil, pkix.Name{CommonName: "service-accounts"})
	if err != nil {
		return admin, err
	}
	public, err := x509.MarshalPKIXPublicKey(&account.key.PublicKey)
	if err != nil {
		return admin, err
	}
	for name, content := range map[string][]byte{
		"ca.crt":     ca.certificate,
		"server.crt": server.certificate,
		"server.key": server.private,
		"sa.key":     account.private,
		"sa.pub":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return admin, err
		}
	}
	return tls.X509KeyPair(client.certificate, client.private)
}

// pair is a key with its certificate, both as PEM too.
type pair struct {
	key                  *ecdsa.PrivateKey
	parsed               *x509.Certificate
	certificate, private []byte
}

// issue makes a certificate for an hour; one without an issuer is its own, and
// an authority.
func issue(by *pair, subject pkix.Name) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject: subject, SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	parent, signer := template, key
	if by == nil {
		template.IsCA, template.BasicConstraintsValid, template.ExtKeyUsage = true, true, nil
		template.KeyUsage |= x509.KeyUsageCertSign
	} else {
		parent, signer = by.parsed, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &pair{key, parsed,
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})}, nil
}
