package imagetar

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Image is what is in the image and how it starts.
type Image struct {
	// Reference is its full name with the tag, such as
	// "dockernetes.dev/pause:v1.0.0".
	Reference string
	// Architecture is the processor's in Go's words, such as "amd64".
	Architecture string
	Files        []File
	// User is "uid:gid".
	User       string
	Entrypoint []string
	Labels     map[string]string
}

// File is one regular file, owned by root. Its folders are made with it.
type File struct {
	Path string // absolute, in the image
	Mode os.FileMode
	Data []byte
}

// ReadFile is the File of that path in the image, with the content of a file
// on this machine.
func ReadFile(imagePath string, mode os.FileMode, from string) (File, error) {
	data, err := os.ReadFile(from)
	if err != nil {
		return File{}, fmt.Errorf("cannot read %s for the image: %w", imagePath, err)
	}
	return File{Path: imagePath, Mode: mode, Data: data}, nil
}

// epoch is the time of every file and of the image itself, so that nothing in
// the tar says when it was made.
var epoch = time.Unix(0, 0).UTC()

// check refuses what would make an image that can't be imported or started.
func (i Image) check() error {
	repository, tag, found := cutLast(i.Reference, ":")
	if !found || tag == "" || strings.Contains(tag, "/") || !strings.Contains(repository, "/") {
		return fmt.Errorf("cannot name an image %q: it is no HOST/NAME:TAG", i.Reference)
	}
	if i.Architecture == "" {
		return fmt.Errorf("cannot make the image %s: no architecture is given", i.Reference)
	}
	if len(i.Entrypoint) == 0 {
		return fmt.Errorf("cannot make the image %s: it has no entry point", i.Reference)
	}
	seen := map[string]bool{}
	for _, f := range i.Files {
		if !path.IsAbs(f.Path) || path.Clean(f.Path) != f.Path || f.Path == "/" {
			return fmt.Errorf("cannot put %q into the image %s: its path is not absolute and clean", f.Path, i.Reference)
		}
		if seen[f.Path] {
			return fmt.Errorf("cannot put %q into the image %s: it is there twice", f.Path, i.Reference)
		}
		seen[f.Path] = true
	}
	if !seen[i.Entrypoint[0]] {
		return fmt.Errorf("cannot make the image %s: its entry point %s is none of its files", i.Reference, i.Entrypoint[0])
	}
	return nil
}

func cutLast(s, separator string) (before, after string, found bool) {
	at := strings.LastIndex(s, separator)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(separator):], true
}

// writeLayer writes the files, each after its folders, in the order of their paths.
func writeLayer(w io.Writer, files []File) error {
	t := tar.NewWriter(w)
	made := map[string]bool{".": true}
	var folders func(dir string) error
	folders = func(dir string) error {
		if made[dir] {
			return nil
		}
		made[dir] = true
		if err := folders(path.Dir(dir)); err != nil {
			return err
		}
		return t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: epoch, Format: tar.FormatUSTAR})
	}
	sorted := slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range sorted {
		name := strings.TrimPrefix(f.Path, "/")
		if err := folders(path.Dir(name)); err != nil {
			return err
		}
		if err := writeEntry(t, name, f.Mode, f.Data); err != nil {
			return err
		}
	}
	return t.Close()
}

func writeEntry(t *tar.Writer, name string, mode os.FileMode, data []byte) error {
	header := &tar.Header{
		Typeflag: tar.TypeReg, Name: name, Size: int64(len(data)),
		Mode: int64(mode.Perm()), ModTime: epoch, Format: tar.FormatUSTAR,
	}
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	_, err := t.Write(data)
	return err
}
