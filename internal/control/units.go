package control

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// readyMilestone is the milestone that says that all is there.
const readyMilestone = "ready"

func (s *Server) status(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, s.engine.Snapshot())
	return nil
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, s.versions)
	return nil
}

func (s *Server) boot(w http.ResponseWriter, _ *http.Request) error {
	if s.Record == nil {
		return errorf(http.StatusNotFound, "this boot is not recorded")
	}
	writeJSON(w, http.StatusOK, s.Record())
	return nil
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) error {
	answer := readiness(s.engine.Snapshot())
	code := http.StatusOK
	if !answer.Ready {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, answer)
	return nil
}

// readiness says whether the cluster is ready, or why not.
func readiness(snap supervisor.Snapshot) Ready {
	u, known := snap.Unit(readyMilestone)
	switch {
	case snap.Stopping:
		return Ready{Reason: "stopping"}
	case !known:
		return Ready{Reason: fmt.Sprintf("nothing is called %q here", readyMilestone)}
	case u.State == supervisor.Ready:
		return Ready{Ready: true}
	}
	var reasons []string
	for _, b := range snap.Blocking(readyMilestone) {
		reason := b.Name + " is " + string(b.State)
		if b.Reason != "" {
			reason += " (" + b.Reason + ")"
		}
		reasons = append(reasons, reason)
	}
	return Ready{Reason: strings.Join(reasons, ", ")}
}

// act makes the handler that lets do change the service named in the path.
func (s *Server) act(verb string, do func(context.Context, string) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		name := r.PathValue("name")
		snap := s.engine.Snapshot()
		if _, err := serviceNamed(snap, name); err != nil {
			return err
		}
		if snap.Stopping && verb != "stop" {
			return errorf(http.StatusConflict, "cannot %s %s: everything is being stopped", verb, name)
		}
		if err := do(r.Context(), name); err != nil {
			return errorf(http.StatusConflict, "%v", err)
		}
		u, _ := s.engine.Snapshot().Unit(name)
		writeJSON(w, http.StatusOK, u)
		return nil
	}
}

// serviceNamed returns the service called name, or the error that a client
// gets to see: with the names that there are.
func serviceNamed(snap supervisor.Snapshot, name string) (supervisor.Status, error) {
	u, known := snap.Unit(name)
	if known && u.Kind == supervisor.KindService {
		return u, nil
	}
	e := errorf(http.StatusNotFound, "there is no service %q", name)
	if known {
		e.Message = fmt.Sprintf("%s is a %s, not a service", name, u.Kind)
	}
	e.Known = names(snap, supervisor.KindService)
	return supervisor.Status{}, e
}

// names lists the units of the given kinds, kind by kind, as declared.
func names(snap supervisor.Snapshot, kinds ...supervisor.Kind) []string {
	var list []string
	for _, kind := range kinds {
		for _, u := range snap.Units {
			if u.Kind == kind {
				list = append(list, u.Name)
			}
		}
	}
	return list
}
