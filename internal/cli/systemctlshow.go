package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lyft/dockernetes/internal/bootlog"
	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

func (s *shim) isActive(args []string) (int, error) {
	return s.check(args, "active", lsbNotRunning), nil
}

func (s *shim) isFailed(args []string) (int, error) {
	if len(args) > 0 {
		return s.check(args, "failed", lsbFailure), nil
	}
	// Without a name it is about the whole system.
	state := s.systemState()
	s.printf("%s\n", state)
	if state == "degraded" {
		return 0, nil
	}
	return lsbFailure, nil
}

// check prints the state of each unit. The status is 0 if one at least is in
// the wanted state, 4 if there is none of them at all, else code.
func (s *shim) check(args []string, wanted string, code int) int {
	found, good := false, false
	for _, u := range s.units(args) {
		s.printf("%s\n", u.active)
		found = found || u.known
		good = good || u.active == wanted
	}
	switch {
	case good:
		return 0
	case !found:
		return lsbUnknown
	}
	return code
}

func (s *shim) isEnabled(args []string) (int, error) {
	code := lsbUnknown
	for _, u := range s.units(args) {
		if u.known {
			s.printf("enabled\n")
			code = 0
		} else {
			s.printf("not-found\n")
		}
	}
	return code, nil
}

func (s *shim) isSystemRunning([]string) (int, error) {
	if s.wait {
		err := s.waitForBoot()
		if err != nil {
			return lsbFailure, err
		}
	}
	state := s.systemState()
	s.printf("%s\n", state)
	if state == "running" {
		return 0, nil
	}
	return lsbFailure, nil
}

// waitForBoot returns when the cluster is ready or can't become so.
func (s *shim) waitForBoot() error {
	last, err := s.env.progress(s.ctx, s.client, "ready", silentView{})
	if err == nil {
		s.snap, s.booting = last.Snapshot, false
	}
	if errors.Is(err, control.ErrNoSocket) {
		return nil
	}
	return err
}

// systemState is systemd's word for the state of the whole.
func (s *shim) systemState() string {
	ready, _ := s.snap.Unit("ready")
	switch {
	case s.booting:
		return "starting"
	case s.snap.Stopping:
		return "stopping"
	case slices.ContainsFunc(s.snap.Units, func(u supervisor.Status) bool {
		return u.State == supervisor.Failed || u.State == supervisor.Degraded
	}):
		return "degraded"
	case ready.State == supervisor.Ready:
		return "running"
	case !ready.ReadyAt.IsZero(): // it was ready once
		return "degraded"
	}
	return "starting"
}

func (s *shim) status(args []string) (int, error) {
	if len(args) == 0 {
		s.printf("State: %s\n", s.systemState())
		code, err := s.listUnits(nil)
		return code, err
	}
	code := 0
	for i, u := range s.units(args) {
		if !u.known {
			fmt.Fprintf(s.env.Stderr, "Unit %s could not be found.\n", u.id)
			code = lsbUnknown
			continue
		}
		if i > 0 {
			s.printf("\n")
		}
		s.printOne(u)
		if u.active != "active" && code == 0 {
			code = lsbNotRunning
		}
	}
	return code, nil
}

// printOne prints what there is to know of a unit, with its last lines.
func (s *shim) printOne(u unit) {
	s.printf("● %s - %s\n", u.id, u.Summary)
	s.printf("     Loaded: loaded\n")
	s.printf("     Active: %s (%s)", u.active, u.sub)
	if !u.Since.IsZero() {
		s.printf(" since %s; %s ago", u.Since.Format(time.RFC1123Z), bootlog.Seconds(s.snap.Time.Sub(u.Since)))
	}
	s.printf("\n")
	if reason := why(u.Status); reason != "" {
		s.printf("     Status: %s\n", reason)
	}
	if u.PID != 0 {
		s.printf("   Main PID: %d\n     Memory: %d MiB\n        CPU: %.1f s\n", u.PID, u.Memory>>20, u.CPU)
	}
	if u.Kind != supervisor.KindService {
		return
	}
	if of, lines := logFor(s.ctx, s.client, s.snap, u.Status); of != "" {
		s.printf("\n")
		for _, line := range lines {
			s.printf("%s\n", bootlog.Clean(line))
		}
	}
}

// property is one row of what `show` knows.
type property struct {
	name  string
	value func(u unit) string
}

func properties() []property {
	return []property{
		{"Id", func(u unit) string { return u.id }},
		{"Description", func(u unit) string { return u.Summary }},
		{"LoadState", func(u unit) string { return map[bool]string{true: "loaded", false: "not-found"}[u.known] }},
		{"ActiveState", func(u unit) string { return u.active }},
		{"SubState", func(u unit) string { return u.sub }},
		{"UnitFileState", func(u unit) string { return map[bool]string{true: "enabled", false: ""}[u.known] }},
		{"MainPID", func(u unit) string { return fmt.Sprint(u.PID) }},
		{"NRestarts", func(u unit) string { return fmt.Sprint(u.Restarts) }},
		{"MemoryCurrent", func(u unit) string { return fmt.Sprint(u.Memory) }},
		{"CPUUsageNSec", func(u unit) string { return fmt.Sprint(int64(u.CPU * 1e9)) }},
		{"StatusText", func(u unit) string { return bootlog.Clean(u.Reason) }},
	}
}

func (s *shim) show(args []string) (int, error) {
	if len(args) == 0 {
		args = targets[:1]
	}
	for i, u := range s.units(args) {
		if i > 0 {
			s.printf("\n")
		}
		for _, p := range properties() {
			switch {
			case len(s.properties) > 0 && !slices.Contains(s.properties, p.name):
			case s.value:
				s.printf("%s\n", p.value(u))
			default:
				s.printf("%s=%s\n", p.name, p.value(u))
			}
		}
	}
	return 0, nil
}

func (s *shim) listUnits(args []string) (int, error) {
	list := s.every()
	if len(args) > 0 {
		list = s.units(args)
	}
	list = slices.DeleteFunc(list, func(u unit) bool {
		_, kind, _ := strings.Cut(u.id, ".")
		return !u.known || (s.failed && u.active != "failed") ||
			(len(s.states) > 0 && !slices.Contains(s.states, u.active) && !slices.Contains(s.states, u.sub)) ||
			(len(s.types) > 0 && !slices.Contains(s.types, kind)) ||
			(!s.all && len(s.states) == 0 && len(args) == 0 && u.active == "inactive")
	})
	if s.quiet {
		return 0, nil
	}
	return 0, writeUnits(s.env.Stdout, list, !s.noLegend)
}

func writeUnits(w io.Writer, list []unit, legend bool) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if legend {
		fmt.Fprintln(t, "UNIT\tLOAD\tACTIVE\tSUB\tDESCRIPTION")
	}
	for _, u := range list {
		fmt.Fprintf(t, "%s\tloaded\t%s\t%s\t%s\n", u.id, u.active, u.sub, u.Summary)
	}
	if err := t.Flush(); err != nil || !legend {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d units listed.\n", len(list))
	return err
}
