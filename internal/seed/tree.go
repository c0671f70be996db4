package seed

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// treeName is a name for a folder that changes with what is in it, so that a
// store which outlives its image never has a link to something else. It
// refuses what an image build would not carry over: owners other than root,
// and all that is no folder, regular file or link.
func treeName(root string) (string, error) {
	hash := sha256.New()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		var stat unix.Stat_t
		if err := unix.Lstat(path, &stat); err != nil {
			return err
		}
		if os.Geteuid() == 0 && (stat.Uid != 0 || stat.Gid != 0) {
			return fmt.Errorf("%s belongs to %d:%d, and a seed can only have what belongs to root", path, stat.Uid, stat.Gid)
		}
		fmt.Fprintf(hash, "%q %v\n", name, info.Mode())
		switch {
		case entry.IsDir():
			return nil
		case info.Mode().Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			fmt.Fprintf(hash, "%q\n", target)
			return err
		case info.Mode().IsRegular():
			return hashFile(hash, path)
		}
		return fmt.Errorf("%s is a %v, and a seed cannot have one", path, info.Mode().Type())
	})
	if err != nil {
		return "", fmt.Errorf("cannot put the layer %s into a seed: %w", root, err)
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

// copyTree copies folders, regular files and links. Where to is there already,
// it is the same: its name says what is in it.
func copyTree(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return nil
	}
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir():
			if err := os.Mkdir(target, 0o700); err != nil {
				return err
			}
			return os.Chmod(target, info.Mode().Perm())
		case info.Mode().Type() == fs.ModeSymlink:
			link, err := os.Readlink(path)
			return errors.Join(err, os.Symlink(link, target))
		}
		return copyFile(path, target, info.Mode().Perm())
	})
	if err != nil {
		return fmt.Errorf("cannot copy %s to %s: %w", from, to, err)
	}
	return nil
}

// copyFile copies a regular file to a place where none is.
func copyFile(from, to string, mode os.FileMode) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Chmod(mode), target.Close())
}
