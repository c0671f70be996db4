package readiness

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Path is where the file is.
const Path = "/run/dnetinit/ready"

// Milestone is the milestone that the file stands for.
const Milestone = "ready"

// Report is what the file holds, as JSON.
type Report struct {
	Versions map[string]string `json:"versions"`
	Started  time.Time         `json:"started"` // when the boot began
	Ready    time.Time         `json:"ready"`   // since when the cluster is ready, without a break
	Seconds  float64           `json:"seconds"` // that the boot took
	// Milestones has the seconds from Started to the first moment at which
	// each milestone was ready.
	Milestones map[string]float64 `json:"milestones"`
}

// report makes the report of a snapshot in which Milestone is ready.
func report(snap supervisor.Snapshot, versions map[string]string) Report {
	r := Report{Versions: versions, Started: snap.Started, Milestones: map[string]float64{}}
	for _, u := range snap.Units {
		if u.Kind != supervisor.KindMilestone || u.ReadyAt.IsZero() {
			continue
		}
		seconds := u.ReadyAt.Sub(snap.Started).Round(time.Millisecond).Seconds()
		r.Milestones[u.Name] = seconds
		if u.Name == Milestone {
			r.Ready, r.Seconds = u.Since, seconds
		}
	}
	return r
}

// Read returns what the file at path holds. The error wraps os.ErrNotExist
// while the cluster is not ready.
func Read(path string) (Report, error) {
	var r Report
	data, err := os.ReadFile(path)
	if err != nil {
		return r, fmt.Errorf("cannot read the readiness file: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("cannot read the readiness file %s: %w", path, err)
	}
	return r, nil
}

// Remove removes the file at path if there is one, so that the leavings of a
// container that was killed tell nobody that the next boot is over.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot remove the readiness file: %w", err)
	}
	return nil
}

func write(path string, r Report) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("cannot make the readiness file's directory: %w", err)
	}
	if err := renameio.WriteFile(path, append(data, '\n'), 0o644, renameio.WithTempDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("cannot write the readiness file %s: %w", path, err)
	}
	return nil
}
