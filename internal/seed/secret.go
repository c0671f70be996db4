package seed

import (
	"bytes"
	"regexp"
)

// secrets are what must be in no seed, by how it looks.
var secrets = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)},
	{"a certificate", regexp.MustCompile(`-----BEGIN [A-Z ]*CERTIFICATE-----`)},
	{"a public key", regexp.MustCompile(`-----BEGIN [A-Z ]*PUBLIC KEY-----`)},
	{"a token", regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)},
	{"a PEM document in base64", regexp.MustCompile(`LS0tLS1CRUdJTi`)},
}

// Secret says what in content looks like a key, a certificate or a token, or
// returns "".
func Secret(content []byte) string {
	for _, s := range secrets {
		if s.pattern.Match(content) {
			return s.what
		}
	}
	if bytes.Contains(content, []byte("bootstrap.kubernetes.io/token")) {
		return "a bootstrap token"
	}
	return ""
}
