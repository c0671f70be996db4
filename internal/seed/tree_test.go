package seed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// aTree is a folder as a layer of an image may be.
func aTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "etc/ssl/roots.crt"), "roots")
	put(t, filepath.Join(dir, "coredns"), "program")
	if err := os.Chmod(filepath.Join(dir, "coredns"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("coredns", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func nameOf(t *testing.T, dir string) string {
	t.Helper()
	name, err := treeName(dir)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTheNameOfATreeIsThatOfItsContent(t *testing.T) {
	want := nameOf(t, aTree(t))
	if got := nameOf(t, aTree(t)); got != want {
		t.Errorf("of the same it is %s and %s", got, want)
	}
	seen := map[string]string{want: "the tree as it was"}
	for change, do := range map[string]func(dir string) error{
		"other content": func(dir string) error { return os.WriteFile(filepath.Join(dir, "coredns"), []byte("PROGRAM"), 0o755) },
		"another mode":  func(dir string) error { return os.Chmod(filepath.Join(dir, "coredns"), 0o700) },
		"another name":  func(dir string) error { return os.Rename(filepath.Join(dir, "coredns"), filepath.Join(dir, "dns")) },
		"a new folder":  func(dir string) error { return os.Mkdir(filepath.Join(dir, "tmp"), 0o755) },
		"another target": func(dir string) error {
			return os.Rename(filepath.Join(dir, "link"), filepath.Join(dir, "coredns"))
		},
	} {
		dir := aTree(t)
		if err := do(dir); err != nil {
			t.Fatal(err)
		}
		name := nameOf(t, dir)
		if other, same := seen[name]; same {
			t.Errorf("%s: the name is that of %s", change, other)
		}
		seen[name] = change
	}
}

func TestWhatAnImageBuildWouldLoseIsRefused(t *testing.T) {
	dir := aTree(t)
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := treeName(dir); err == nil || !strings.Contains(err.Error(), "pipe") {
		t.Errorf("with a pipe the error is %v", err)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	dir = aTree(t)
	if err := os.Lchown(filepath.Join(dir, "coredns"), 65532, 65532); err != nil {
		t.Fatal(err)
	}
	if _, err := treeName(dir); err == nil || !strings.Contains(err.Error(), "65532:65532") {
		t.Errorf("with another owner the error is %v", err)
	}
}

func TestACopyIsTheSame(t *testing.T) {
	from, to := aTree(t), filepath.Join(t.TempDir(), "copy")
	for range 2 { // the second time it is there
		if err := copyTree(from, to); err != nil {
			t.Fatal(err)
		}
		if got, want := nameOf(t, to), nameOf(t, from); got != want {
			t.Errorf("its name is %s, and not %s", got, want)
		}
	}
	if err := copyTree(filepath.Join(from, "none"), to+"2"); err == nil {
		t.Error("of nothing there is no error")
	}
}

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
	// CoreDNS's image has the world's CAs, which are nobody's own.
	put(t, filepath.Join(s.dir, "snapshots/abc/roots.crt"), "-----BEGIN CERTIFICATE-----")
	if err := clean(s.dir); err != nil {
		t.Errorf("with one in an image: %v", err)
	}
	path := filepath.Join(s.dir, "etcd/member/wal/0.wal")
	put(t, path, "x-----BEGIN CERTIFICATE-----")
	if err := clean(s.dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
}
