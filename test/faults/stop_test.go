package faults

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
	"github.com/lyft/dockernetes/test/rig"
)

// points are the boundaries at which the scenario "held" can be held.
var points = []string{
	"mounts begins", "mounts ends", "pki begins", "pki ends", "etcd is asked", "apiserver is asked",
	"addons begins", "addons ends", "ready is observed", "",
}

func TestAStopAtEveryBoundaryOfTheBootEndsWellAndLeavesNothing(t *testing.T) {
	for _, point := range points {
		for _, times := range []int{1, 2} {
			t.Run(strings.TrimSpace(point)+map[int]string{1: ", told once", 2: ", told twice"}[times], func(t *testing.T) {
				m := start(t, "held", "FAULTS_HOLD="+point)
				if point == "" {
					m.await(t, "ready", supervisor.Ready)
				} else {
					until(t, "held at "+point, func() bool { return exists(t, m.dir, "held") })
				}
				for range times {
					m.signal(t, syscall.SIGTERM)
				}
				status, took := m.exit(t)
				if status != 0 || took > stopsWithin {
					t.Errorf("status %d after %s", status, took)
				}
				m.mustHaveLeftNothing(t)
				// Each phase that had begun is undone, and no other.
				for _, phase := range []string{"mounts", "pki", "addons"} {
					began := point == ""
					for _, p := range points {
						if strings.HasPrefix(p, phase+" ") {
							began = true
						}
						if p == point {
							break
						}
					}
					if got := exists(t, m.dir, phase+" undone"); got != began && point != "" {
						t.Errorf("%s is undone: %v, and had begun: %v", phase, got, began)
					}
				}
				t.Logf("stopped after %s", took.Round(time.Millisecond))
			})
		}
	}
}

func TestAPhaseThatDoesNotHeedItsContextDoesNotKeepTheContainerFromEnding(t *testing.T) {
	for _, point := range []string{"pki begins", "pki is undone"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			m := start(t, "held", "FAULTS_HOLD="+point+"!")
			if point == "pki begins" {
				until(t, "held", func() bool { return exists(t, m.dir, "held") })
			} else {
				m.await(t, "ready", supervisor.Ready)
			}
			m.signal(t, syscall.SIGTERM)
			status, took := m.exit(t)
			if took > stopsWithin+rig.Patience(500*time.Millisecond) {
				t.Errorf("ended after %s; Docker would have killed it after 10 s", took)
			}
			if status != 1 || !strings.Contains(m.out.String(), "cannot stop pki") {
				t.Errorf("status %d, and it does not say which phase was in the way", status)
			}
			if exists(t, m.dir, "ready") {
				t.Error("the readiness file is left")
			}
		})
	}
}

func TestAStopThatIsOverdueKillsWhatIsLeft(t *testing.T) {
	groups := makeCgroups(t)
	m := start(t, "parent", groups.setting())
	m.await(t, "parent", supervisor.Ready)
	m.signal(t, syscall.SIGTERM)
	status, took := m.exit(t)
	if status != 0 || took > shortBudget+rig.Patience(time.Second) {
		t.Errorf("status %d after %s", status, took)
	}
	m.mustHaveLeftNothing(t)
}

func exists(t testing.TB, dir, name string) bool {
	t.Helper()
	_, err := os.Stat(filepath.Join(dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}
