package supervisor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A clock that is set a day forward or back changes no restart: every time that
// is compared here has Go's monotonic reading, which time.Since and Sub prefer,
// and timers have no other. What takes that reading away is not to be used.
var losesMonotonic = []string{
	"Round", "Truncate", "UTC", "Local", "In", "AddDate", // methods of time.Time
	"Unix", "UnixMilli", "UnixNano", "UnixMicro", "Date", "Parse", "ParseInLocation", // makers of one without it
	"ClockGettime", "Gettimeofday",
}

func TestNoWallClockDecidesAnything(t *testing.T) {
	for _, dir := range []string{".", "../../internal/reaper", "../../internal/readiness", "../../internal/notify", "../../internal/cgroup"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources in %s: %v", dir, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if s, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains(losesMonotonic, s.Sel.Name) && !forShow(file, s.Sel.Name) {
					t.Errorf("%s: %s makes a time without the monotonic reading", set.Position(s.Pos()), s.Sel.Name)
				}
				return true
			})
		}
	}
}

// forShow allows what only rounds a length of time for the eye.
func forShow(file, name string) bool {
	return filepath.Base(file) == "report.go" && name == "Round"
}

func TestTheTimeSinceWhichAServiceIsReadyIsMonotonic(t *testing.T) {
	u := &unit{name: "etcd", kind: KindService, state: Starting, board: newBoard([]Status{{Name: "etcd"}})}
	u.becomeReady()
	if !strings.Contains(u.readyAt.String(), " m=") {
		t.Errorf("readyAt is %s, without a monotonic reading: a clock that is set would forget or keep failures", u.readyAt)
	}
}

// The two sides of the one comparison that decides a restart: with the clock a
// day off on either of them, a monotonic reading has the last word.
func TestFailuresAreForgottenByTimeThatPassedAndNotByTheClock(t *testing.T) {
	for _, day := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			u := &unit{name: "etcd", kind: KindService, state: Ready, tries: serviceTries, failures: 2, board: newBoard([]Status{{Name: "etcd"}})}
			u.board.rows[0].State = Ready
			u.becomeReady()
			u.board.rows[0].Since = u.board.rows[0].Since.Round(0).Add(day) // what the user sees follows the wall clock
			time.Sleep(settled / 2)
			u.failed(errDisk)
			if u.failures != 3 {
				t.Errorf("after half of the time, and a clock that jumped by %s, there are %d failures", day, u.failures)
			}
		})
	}
}
