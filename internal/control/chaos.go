package control

import (
	"net/http"
	"slices"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// chaos harms a service until the time is over or the client is gone.
func (s *Server) chaos(w http.ResponseWriter, r *http.Request) error {
	if !s.Chaos {
		return errorf(http.StatusForbidden, "chaos is not switched on: start the container with --env DNET_CHAOS=1, or its command with --chaos")
	}
	u, err := serviceNamed(s.engine.Snapshot(), r.PathValue("name"))
	if err != nil {
		return err
	}
	q := r.URL.Query()
	do := supervisor.Chaos(q.Get("do"))
	if !slices.Contains(supervisor.Chaoses(), do) {
		e := errorf(http.StatusBadRequest, "there is no chaos called %q", do)
		for _, c := range supervisor.Chaoses() {
			e.Known = append(e.Known, string(c))
		}
		return e
	}
	var length time.Duration
	if v := q.Get("for"); v != "" {
		if length, err = time.ParseDuration(v); err != nil {
			return errorf(http.StatusBadRequest, "for=%q is no length of time, such as 30s", v)
		}
	}
	if err := s.engine.Chaos(r.Context(), u.Name, do, length); err != nil {
		return errorf(http.StatusConflict, "%v", err)
	}
	u, _ = s.engine.Snapshot().Unit(u.Name)
	writeJSON(w, http.StatusOK, u)
	return nil
}
