package imagetar

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// The documents of the OCI image specification, as far as they are used here.
type (
	descriptor struct {
		MediaType   string            `json:"mediaType"`
		Digest      string            `json:"digest"`
		Size        int               `json:"size"`
		Annotations map[string]string `json:"annotations,omitempty"`
		Platform    *platform         `json:"platform,omitempty"`
	}
	platform struct {
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
	}
	manifest struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Config        descriptor   `json:"config"`
		Layers        []descriptor `json:"layers"`
	}
	index struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Manifests     []descriptor `json:"manifests"`
	}
	config struct {
		platform
		Created time.Time `json:"created"`
		Config  struct {
			User       string            `json:"User,omitempty"`
			Env        []string          `json:"Env"`
			Entrypoint []string          `json:"Entrypoint"`
			WorkingDir string            `json:"WorkingDir"`
			Labels     map[string]string `json:"Labels,omitempty"`
		} `json:"config"`
		RootFS struct {
			Type    string   `json:"type"`
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
		History []history `json:"history"`
	}
	history struct {
		Created   time.Time `json:"created"`
		CreatedBy string    `json:"created_by"`
	}
)

const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	// Not compressed: an import that need not inflate is quicker, and the
	// image that carries this tar is compressed as a whole.
	typeLayer = "application/vnd.oci.image.layer.v1.tar"
)

// Write writes the image as a tar that "ctr image import" and "docker load"
// take. It is one large write per part: the caller buffers nothing.
func Write(w io.Writer, image Image) error {
	if err := image.check(); err != nil {
		return err
	}
	var layer bytes.Buffer
	if err := writeLayer(&layer, image.Files); err != nil {
		return fmt.Errorf("cannot make the layer of %s: %w", image.Reference, err)
	}
	out := layout{tar: tar.NewWriter(w)}

	layerRef := out.blob(typeLayer, layer.Bytes())
	manifestRef := out.document(typeManifest, manifest{
		SchemaVersion: 2,
		MediaType:     typeManifest,
		Config:        out.document(typeConfig, image.config(layerRef.Digest)),
		Layers:        []descriptor{layerRef},
	})
	manifestRef.Platform = &platform{Architecture: image.Architecture, OS: "linux"}
	_, tag, _ := cutLast(image.Reference, ":")
	manifestRef.Annotations = map[string]string{
		"io.containerd.image.name":          image.Reference, // containerd and Docker take the whole name from it
		"org.opencontainers.image.ref.name": tag,
	}
	out.file("index.json", encode(index{SchemaVersion: 2, MediaType: typeIndex, Manifests: []descriptor{manifestRef}}))
	out.file("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	if err := out.close(); err != nil {
		return fmt.Errorf("cannot write the image %s: %w", image.Reference, err)
	}
	return nil
}

func (i Image) config(diffID string) config {
	var c config
	c.platform = platform{Architecture: i.Architecture, OS: "linux"}
	c.Created = epoch
	c.Config.User = i.User
	c.Config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	c.Config.Entrypoint = i.Entrypoint
	c.Config.WorkingDir = "/"
	c.Config.Labels = i.Labels
	c.RootFS.Type = "layers"
	c.RootFS.DiffIDs = []string{diffID}
	c.History = []history{{Created: epoch, CreatedBy: "dockernetes"}}
	return c
}

// layout is the tar being written; the first error stays and ends it.
type layout struct {
	tar *tar.Writer
	err error
}

func (l *layout) file(name string, data []byte) {
	if l.err == nil {
		l.err = writeEntry(l.tar, name, 0o644, data)
	}
}

func (l *layout) blob(mediaType string, data []byte) descriptor {
	sum := sha256.Sum256(data)
	name := hex.EncodeToString(sum[:])
	l.file("blobs/sha256/"+name, data)
	return descriptor{MediaType: mediaType, Digest: "sha256:" + name, Size: len(data)}
}

func (l *layout) document(mediaType string, document any) descriptor {
	return l.blob(mediaType, encode(document))
}

func (l *layout) close() error {
	if l.err != nil {
		return l.err
	}
	return l.tar.Close()
}

// encode never fails: the documents are structs of strings, numbers and times.
func encode(document any) []byte {
	data, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return data
}
