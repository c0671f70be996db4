package phases

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
)

// imageIndex is the part of an OCI archive's index.json that names its images.
type imageIndex struct {
	Manifests []struct {
		Digest      string            `json:"digest"`
		Annotations map[string]string `json:"annotations"`
	} `json:"manifests"`
}

// readIndex reads the names and digests from an OCI archive. An image whose
// whole name is not there is none that could be looked for.
func readIndex(archive io.Reader) ([]archivedImage, error) {
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no index.json in it: it is not an OCI archive")
		}
		if err != nil {
			return nil, err
		}
		if header.Name != "index.json" && header.Name != "./index.json" {
			continue
		}
		var index imageIndex
		if err := json.NewDecoder(reader).Decode(&index); err != nil {
			return nil, err
		}
		var images []archivedImage
		for _, m := range index.Manifests {
			if name := m.Annotations["io.containerd.image.name"]; name != "" {
				images = append(images, archivedImage{name, m.Digest})
			}
		}
		return images, nil
	}
}
