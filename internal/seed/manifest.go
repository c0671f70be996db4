package seed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lyft/dockernetes/internal/config"
)

// Dir is where the image has its seed.
const Dir = "/usr/share/dnetinit/seed"

// manifestFile is written last: where it is, the seed is whole.
const manifestFile = "seed.json"

// Manifest says what is in a seed and how it is planted.
type Manifest struct {
	Facts      Facts      `json:"facts"`
	Etcd       Etcd       `json:"etcd"`
	Containerd Containerd `json:"containerd"`
}

// Etcd is the seed's part for etcd.
type Etcd struct {
	// Files are those of etcd's data directory, by their paths in it.
	Files []File `json:"files"`
	// Database is the path of the one that Patches are for.
	Database string  `json:"database"`
	Patches  Patches `json:"patches"`
}

// File is a file of the seed without its zeros at the end: etcd makes files of
// 64 MB before it has anything to write.
type File struct {
	Path string `json:"path"`
	Size int64  `json:"size"` // with the zeros
}

// Patches are the places in a file, as offsets, that are not to be the same in
// two clusters. All are overwritten with as many bytes.
type Patches struct {
	// UIDs has a list for each UID: everywhere that it stands.
	UIDs [][]int64 `json:"uids"`
	// Times are where a time of creation stands, in seconds, as a varint of
	// five bytes.
	Times []int64 `json:"times"`
	// Texts are where one stands as RFC 3339 writes it.
	Texts []int64 `json:"texts"`
}

// Containerd is the seed's part for containerd.
type Containerd struct {
	// Snapshots has for each snapshot's number in the store the name of the
	// blob that is its layer.
	Snapshots map[string]string `json:"snapshots"`
}

// Seed is a seed on disk.
type Seed struct {
	dir string
	Manifest
}

// Open reads the seed in dir. Where there is none, the error is
// [fs.ErrNotExist].
func Open(dir string) (*Seed, error) {
	path := filepath.Join(dir, manifestFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the seed: %w", err)
	}
	s := &Seed{dir: dir}
	if err := json.Unmarshal(text, &s.Manifest); err != nil {
		return nil, fmt.Errorf("cannot read the seed %s: %w", path, err)
	}
	return s, nil
}

// Unfit says why etcd's part is not for the configuration c, or "" if it is.
func (s *Seed) Unfit(c *config.Config) string { return s.Facts.differs(FactsOf(c)) }
