package bootrecord

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"github.com/lyft/dockernetes/internal/bootreport"
)

// Dir is where the records of a container's boots are.
const Dir = "/var/log/dnetinit/boots"

// kept is how many boots are kept.
const kept = 10

// Store is a directory with a file per boot, named by the time of its first
// instruction, so that the names sort by time.
type Store struct{ Dir string }

const nameLayout = "20060102T150405.000000Z.json"

// Keep writes a record, in place of what was written of the same boot before,
// and removes the oldest if there are too many.
func (s Store) Keep(r bootreport.Record) error {
	if s.Dir == "" {
		return nil
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("cannot write the record of the boot: %w", err)
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of the boots' records: %w", err)
	}
	path := s.path(r)
	if err := renameio.WriteFile(path, append(data, '\n'), 0o644, renameio.WithTempDir(s.Dir), renameio.WithStaticPermissions(0o644)); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	files, err := s.Files()
	if err != nil {
		return err
	}
	for _, old := range files[min(kept, len(files)):] {
		if err := os.Remove(old); err != nil {
			return fmt.Errorf("cannot remove the record of an old boot: %w", err)
		}
	}
	return nil
}

// Files are the records' files, the newest first.
func (s Store) Files() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(s.Dir, "*T*Z.json"))
	if err != nil {
		return nil, fmt.Errorf("cannot list the records of boots: %w", err)
	}
	slices.Sort(files)
	slices.Reverse(files)
	return files, nil
}

// Before returns the files of the boots before the one that r records.
func (s Store) Before(r bootreport.Record) ([]string, error) {
	files, err := s.Files()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(files, func(f string) bool { return f >= s.path(r) }), nil
}

func (s Store) path(r bootreport.Record) string {
	return filepath.Join(s.Dir, r.Zero.UTC().Format(nameLayout))
}

// Read reads the record in a file.
func Read(path string) (bootreport.Record, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return bootreport.Record{}, fmt.Errorf("cannot read the record of a boot: %w", err)
	}
	r, err := bootreport.Parse(data)
	if err != nil {
		return bootreport.Record{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
