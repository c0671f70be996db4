package seed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/renameio/v2"

	"github.com/lyft/dockernetes/internal/config"
)

// workDir is on a real file system, which unpacked layers need.
const workDir = "/var/lib/containerd"

// Save makes a seed of the cluster in this container, which is ready, and of
// the boot images in the folder images. dir must not exist yet.
func Save(ctx context.Context, c *config.Config, images, dir string) (err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("cannot make a folder for the seed: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("cannot make a folder for the seed: %w", err)
	}
	work, err := os.MkdirTemp(workDir, ".seed-")
	if err != nil {
		return fmt.Errorf("cannot make a folder to make the seed in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	m := Manifest{Facts: FactsOf(c)}
	entries, err := settled(ctx, c)
	if err != nil {
		return err
	}
	if m.Etcd, err = saveEtcd(ctx, c, entries, work, filepath.Join(dir, "etcd")); err != nil {
		return err
	}
	if m.Containerd, err = saveContainerd(ctx, images, work, dir); err != nil {
		return err
	}
	if err := clean(dir); err != nil {
		return err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, manifestFile)
	if err := renameio.WriteFile(path, text, 0o644, renameio.WithTempDir(dir), renameio.WithStaticPermissions(0o644)); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// settled returns the cluster's entries once nothing has been added to them
// for a second: the controllers make some of them when all else is ready.
func settled(ctx context.Context, c *config.Config) ([]entry, error) {
	const still, patience = time.Second, 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last []entry
	for {
		entries, err := clusterEntries(ctx, c)
		if err != nil {
			return nil, err
		}
		if slices.EqualFunc(entries, last, func(a, b entry) bool { return a.key == b.key }) {
			return entries, nil
		}
		last = entries
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("cannot make a seed: the cluster's objects are still becoming more after %v", patience)
		case <-time.After(still):
		}
	}
}

// clean fails if a file of the seed has something that looks like a key, a
// certificate or a token.
func clean(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("cannot look for secrets in the seed: %w", err)
		}
		if what := Secret(content); what != "" {
			return fmt.Errorf("cannot use the seed: there is %s in %s", what, path)
		}
		return nil
	})
}
