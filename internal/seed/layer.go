package seed

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/internal/bootimages"
)

// blobsOf returns the paths of all blobs of the boot images, by their names.
func blobsOf(images string) (map[string]string, error) {
	layouts, err := bootimages.Find(images)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, l := range layouts {
		blobs, err := l.Blobs()
		if err != nil {
			return nil, err
		}
		for name, path := range blobs {
			all[name] = path
		}
	}
	return all, nil
}

// unpack makes the folder dir of a layer: a tar, not compressed, of folders,
// regular files and links.
func unpack(layer, dir string) error {
	blob, err := os.Open(layer)
	if err != nil {
		return fmt.Errorf("cannot unpack a layer: %w", err)
	}
	defer blob.Close()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("cannot unpack a layer: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("cannot unpack a layer: %w", err)
	}
	defer root.Close()
	const enough = 1 << 20
	buffer := make([]byte, enough)
	for archive := tar.NewReader(blob); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return root.Chmod(".", 0o755) // whatever the umask is
		}
		if err == nil {
			err = unpackOne(root, header, archive, buffer)
		}
		if err != nil {
			return fmt.Errorf("cannot unpack the layer %s: %w", layer, err)
		}
	}
}

func unpackOne(root *os.Root, header *tar.Header, content io.Reader, buffer []byte) error {
	name := filepath.Clean(header.Name)
	mode := header.FileInfo().Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
	switch header.Typeflag {
	case tar.TypeDir:
		if err := root.MkdirAll(name, 0o755); err != nil {
			return err
		}
	case tar.TypeReg:
		file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		// A file's own way of copying does it in small pieces.
		_, err = io.CopyBuffer(struct{ io.Writer }{file}, content, buffer)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	case tar.TypeSymlink:
		return errors.Join(root.Symlink(header.Linkname, name), root.Lchown(name, header.Uid, header.Gid))
	default:
		return fmt.Errorf("%s is of the type %q", name, header.Typeflag)
	}
	return errors.Join(root.Lchown(name, header.Uid, header.Gid), root.Chmod(name, mode), root.Chtimes(name, header.ModTime, header.ModTime))
}

// layersOf unpacks every layer of the boot images in work, and returns the
// names of their blobs by what is in them.
func layersOf(images, work string) (map[string]string, error) {
	blobs, err := blobsOf(images)
	if err != nil {
		return nil, err
	}
	layers := map[string]string{}
	for _, path := range blobs {
		var manifest struct {
			Layers []struct {
				Digest string `json:"digest"`
			} `json:"layers"`
		}
		const most = 1 << 20
		if info, err := os.Stat(path); err != nil || info.Size() > most {
			continue // a layer
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if json.Unmarshal(text, &manifest) != nil {
			continue // a small layer
		}
		for _, l := range manifest.Layers {
			name := strings.TrimPrefix(l.Digest, "sha256:")
			dir := filepath.Join(work, name)
			if err := unpack(blobs[name], dir); err != nil {
				return nil, err
			}
			content, err := treeHash(dir)
			if err != nil {
				return nil, err
			}
			layers[content] = name
		}
	}
	return layers, nil
}

// treeHash changes with everything in a folder that a process in a container
// could see, but times.
func treeHash(root string) (string, error) {
	hash := sha256.New()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		var stat unix.Stat_t
		if err := unix.Lstat(path, &stat); err != nil {
			return err
		}
		fmt.Fprintf(hash, "%q %o %d:%d\n", name, stat.Mode, stat.Uid, stat.Gid)
		switch entry.Type() {
		case fs.ModeSymlink:
			target, err := os.Readlink(path)
			fmt.Fprintf(hash, "%q\n", target)
			return err
		case 0:
			return hashFile(hash, path)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("cannot look at the layer %s: %w", root, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func hashFile(hash io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	n, err := io.Copy(hash, file)
	fmt.Fprintf(hash, "\n%d\n", n)
	return err
}
