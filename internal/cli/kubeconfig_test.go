package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheTLSNameIsOneOfTheCertificate(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"kubernetes", "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "apiserver.crt")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"127.0.0.1": "",
		"localhost": "",
		"ci-host":   "kubernetes",
		"10.0.0.7":  "kubernetes",
	} {
		if got := tlsName(path, host); got != want {
			t.Errorf("%s: got %q, want %q", host, got, want)
		}
	}
	if got := tlsName(path+".nosuch", "ci-host"); got != "" {
		t.Errorf("without a certificate: got %q", got)
	}
}

func TestAKubeconfigForAnotherNameSaysWhichToExpect(t *testing.T) {
	in := `{"clusters": [{"name": "a", "cluster": {"server": "x"}}], "users": [{"name": "u", "user": {}}]}`
	out, err := rewriteKubeconfig([]byte(in), "https://ci-host:1", "kubernetes")
	if err != nil || !strings.Contains(string(out), "tls-server-name: kubernetes\n") {
		t.Errorf("got %s, %v", out, err)
	}
	if _, err := rewriteKubeconfig([]byte(`{"clusters": []}`), "https://x", ""); err == nil {
		t.Error("a kubeconfig without a cluster is taken")
	}
}
