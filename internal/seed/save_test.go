package seed

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestZerosAtTheEndAreCutToWholePages(t *testing.T) {
	for name, test := range map[string]struct{ length, content, want int }{
		"nothing but zeros":  {8192, 0, 0},
		"one byte":           {8192, 1, 4096},
		"a page":             {8192, 4096, 4096},
		"a page and a byte":  {12288, 4097, 8192},
		"no whole page":      {100, 50, 100},
		"nothing at all":     {0, 0, 0},
		"no zero to the end": {5000, 5000, 5000},
	} {
		content := make([]byte, test.length)
		for i := range test.content {
			content[i] = 'x'
		}
		if got := len(withoutZeros(content)); got != test.want {
			t.Errorf("%s: %d bytes are left, not %d", name, got, test.want)
		}
	}
}

func TestSecretsAreKnownByTheirLooks(t *testing.T) {
	for content, want := range map[string]string{
		"pages -----BEGIN RSA PRIVATE KEY-----\nMII":                   "a private key",
		"-----BEGIN PRIVATE KEY-----":                                  "a private key",
		"-----BEGIN EC PRIVATE KEY-----":                               "a private key",
		"\x00-----BEGIN CERTIFICATE-----":                              "a certificate",
		"-----BEGIN PUBLIC KEY-----":                                   "a public key",
		"token: eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlIn0.c2lnbmF0dXJl": "a token",
		"certificate-authority-data: LS0tLS1CRUdJTiBDRVJU":             "a PEM document in base64",
		"type: bootstrap.kubernetes.io/token":                          "a bootstrap token",
		"BEGIN of the certificate, eyJ.eyJ and keys":                   "",
	} {
		if got := Secret([]byte(content)); got != want {
			t.Errorf("in %q there is %q, not %q", content, got, want)
		}
	}
}

func TestASeedWithASecretIsRefused(t *testing.T) {
	s, _ := aSeed(t)
	if err := clean(s.dir); err != nil {
		t.Errorf("without one: %v", err)
	}
	path := filepath.Join(s.dir, "etcd/member/wal/0.wal")
	put(t, path, "x-----BEGIN CERTIFICATE-----")
	if err := clean(s.dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
}
