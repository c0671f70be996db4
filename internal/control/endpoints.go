package control

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// endpoint is one row of the interface.
type endpoint struct {
	method, path string
	summary      string
	stream       bool // it may go on for long, and counts against the bound
	handle       func(w http.ResponseWriter, r *http.Request) error
}

// endpoints is the whole interface.
func (s *Server) endpoints() []endpoint {
	return []endpoint{
		{"GET", "/v1/status", "every unit, as one JSON document", false, s.status},
		{"GET", "/v1/wait", "progress towards ?for=NAME, one JSON document a line", true, s.wait},
		{"GET", "/v1/events", "changes of units from ?after=N on, one JSON document a line", true, s.events},
		{"GET", "/v1/logs", "lines of ?service=NAME (all if none), ?tail=N of them, ?follow=true", true, s.logs},
		{"POST", "/v1/services/{name}/start", "start a service", false, s.act("start", s.engine.Start)},
		{"POST", "/v1/services/{name}/stop", "stop a service", false, s.act("stop", s.engine.Stop)},
		{"POST", "/v1/services/{name}/restart", "restart a service", false, s.act("restart", s.engine.Restart)},
		{"GET", "/v1/boot", "the record of this boot: units, events and CPU use", false, s.boot},
		{"POST", "/v1/services/{name}/chaos", "harm a service: ?do=kill|freeze|slow|oom, ?for=30s; it ends with the request", true, s.chaos},
		{"GET", "/v1/ready", "200 if the cluster is ready, else 503 and the reason", false, s.ready},
		{"GET", "/v1/version", "the version of each part", false, s.version},
		{"GET", "/metrics", "metrics in Prometheus' text format", false, s.metrics()},
	}
}

// routes makes the handler of all endpoints. A path that is not there is
// answered with the list of those that are.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	var known []string
	for _, e := range s.endpoints() {
		mux.Handle(e.method+" "+e.path, s.guard(e))
		known = append(known, e.method+" "+e.path+": "+e.summary)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		e := errorf(http.StatusNotFound, "there is no %s %q", r.Method, r.URL.Path)
		e.Known = known
		writeJSON(w, e.Code, e)
	})
	return mux
}

func (s *Server) metrics() func(http.ResponseWriter, *http.Request) error {
	h := promhttp.HandlerFor(newRegistry(s.engine, s.versions), promhttp.HandlerOpts{MaxRequestsInFlight: 4})
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}
