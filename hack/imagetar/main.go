// Command imagetar makes the images that a boot needs, as tars in the OCI
// layout: dockernetes.dev/pause and dockernetes.dev/coredns. No registry serves
// that host, so none of them is ever pulled by accident.
package main

import (
	"bytes"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/renameio/v2"
	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/internal/imagetar"
)

func main() {
	binaries := flag.String("binaries", ".build/bin", "the folder with the binaries pause and coredns")
	out := flag.String("out", ".build/images", "the folder to write pause.tar and coredns.tar to")
	coredns := flag.String("coredns", "", "the version of CoreDNS, which is the image's tag")
	flag.Parse()

	for _, i := range []struct {
		name, reference, user string
		files                 []imagetar.File
	}{
		// The users are those of the upstream images of the same purpose.
		{"pause", config.PauseImage, "65535:65535", nil},
		{"coredns", "dockernetes.dev/coredns:" + *coredns, "65532:65532", []imagetar.File{{Path: "/etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Data: roots()}}},
	} {
		if err := write(i.name, i.reference, i.user, *binaries, *out, i.files); err != nil {
			fmt.Fprintf(os.Stderr, "imagetar: %v\n", err)
			os.Exit(1)
		}
	}
}

func write(name, reference, user, binaries, out string, files []imagetar.File) error {
	entry := "/" + name
	binary, err := imagetar.ReadFile(entry, 0o755, filepath.Join(binaries, name))
	if err != nil {
		return err
	}
	var tar bytes.Buffer
	err = imagetar.Write(&tar, imagetar.Image{
		Reference:    reference,
		Architecture: runtime.GOARCH,
		Files:        append(files, binary),
		User:         user,
		Entrypoint:   []string{entry},
		Labels:       map[string]string{"org.opencontainers.image.title": name},
	})
	if err != nil {
		return err
	}
	target := filepath.Join(out, name+".tar")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of the images: %w", err)
	}
	if err := renameio.WriteFile(target, tar.Bytes(), 0o644, renameio.WithStaticPermissions(0o644)); err != nil {
		return fmt.Errorf("cannot write %s: %w", target, err)
	}
	return nil
}

// roots is the CA bundle for CoreDNS's forwarding over TLS: Mozilla's, pinned
// in go.mod, and so neither this machine's nor dependent on it. Roots that are
// trusted only for some names are left out, as a bundle cannot say so.
func roots() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a bytes.Buffer takes all
		}
	}
	return out.Bytes()
}
