package bootimages

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir holds the images that a boot needs, each in a folder of its own.
const Dir = "/usr/share/dnetinit/images"

// Layout is a folder in the OCI layout, with one image or several.
type Layout struct {
	Dir    string
	Images []Image
}

// Image is an image as its layout's index names it.
type Image struct {
	Reference string // its full name with the tag
	Digest    string // of its manifest
}

// index is the part of index.json that names images.
type index struct {
	Manifests []struct {
		Digest      string            `json:"digest"`
		Annotations map[string]string `json:"annotations"`
	} `json:"manifests"`
}

// Find returns the layouts in the folders of dir. A folder that does not exist
// has none.
func Find(dir string) ([]Layout, error) {
	indexes, err := filepath.Glob(filepath.Join(dir, "*", "index.json"))
	if err != nil {
		return nil, err
	}
	var all []Layout
	for _, path := range indexes {
		l, err := read(path)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// read reads the names and digests. An image whose whole name is not there is
// none that could be looked for.
func read(path string) (Layout, error) {
	l := Layout{Dir: filepath.Dir(path)}
	text, err := os.ReadFile(path)
	if err != nil {
		return l, fmt.Errorf("cannot read the images: %w", err)
	}
	var i index
	if err := json.Unmarshal(text, &i); err != nil {
		return l, fmt.Errorf("cannot read the images of %s: %w", path, err)
	}
	for _, m := range i.Manifests {
		if name := m.Annotations["io.containerd.image.name"]; name != "" {
			l.Images = append(l.Images, Image{name, m.Digest})
		}
	}
	return l, nil
}

// Blobs returns the paths of the layout's blobs by their names in a content
// store, which are the digests without "sha256:".
func (l Layout) Blobs() (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(l.Dir, "blobs", "sha256", "*"))
	if err != nil {
		return nil, err
	}
	blobs := map[string]string{}
	for _, path := range paths {
		blobs[filepath.Base(path)] = path
	}
	return blobs, nil
}

// WriteTar writes the layout as an archive that "ctr images import" takes.
func (l Layout) WriteTar(w io.Writer) error {
	t := tar.NewWriter(w)
	err := filepath.WalkDir(l.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(l.Dir, path)
		if err != nil {
			return err
		}
		return add(t, name, path)
	})
	if err := errors.Join(err, t.Close()); err != nil {
		return fmt.Errorf("cannot read the images of %s: %w", l.Dir, err)
	}
	return nil
}

func add(t *tar.Writer, name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o644}); err != nil {
		return err
	}
	_, err = io.Copy(t, file)
	return err
}
