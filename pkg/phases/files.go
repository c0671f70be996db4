package phases

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// The modes of what the phases write: secret for what holds a private key.
const (
	public os.FileMode = 0o644
	secret os.FileMode = 0o600
)

// write makes the file at path hold text: beside it at first, then synced and
// renamed, so that no crash leaves half a file. A file that is right already
// is left alone.
func write(path string, text []byte, mode os.FileMode) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm() == mode {
			return nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("cannot make the directory of %s: %w", path, err)
	}
	if err := replace(path, text, mode); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

func replace(path string, text []byte, mode os.FileMode) error {
	beside, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(mode))
	if err != nil {
		return err
	}
	defer beside.Cleanup()
	if _, err := beside.Write(text); err != nil {
		return err
	}
	return beside.CloseAtomicallyReplace()
}

// there says if path is a file that holds something. An empty one is what a
// crash of the host can leave, and as good as none.
func there(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}
