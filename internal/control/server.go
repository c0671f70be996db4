package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/lyft/dockernetes/internal/bootreport"
)

// Limits that keep one client from costing the others anything.
const (
	maxStreams     = 1536     // at one time; a test suite of 1000 waiters fits
	maxConnections = 2048     // more than maxStreams, so that status is always answered
	maxHeader      = 16 << 10 // bytes
	maxBody        = 4 << 10  // bytes; no endpoint wants a body
	headerTimeout  = 5 * time.Second
	bodyTimeout    = 5 * time.Second
	writeTimeout   = 10 * time.Second // for a client that does not read
	idleTimeout    = time.Minute
)

// Server answers on the control socket.
type Server struct {
	// Record returns the record of this boot; nil if there is none. It is set
	// before Serve, if at all.
	Record func() bootreport.Record

	// Chaos allows clients to harm services on purpose. It is set before Serve.
	Chaos bool

	engine   Engine
	versions Versions
	log      *zap.Logger
	changes  *changes
	streams  chan struct{} // one slot per stream
}

// NewServer returns a server for what engine runs. Nothing happens before Serve.
func NewServer(engine Engine, versions Versions, log *zap.Logger) *Server {
	return &Server{
		engine:   engine,
		versions: versions,
		log:      log,
		changes:  newChanges(),
		streams:  make(chan struct{}, maxStreams),
	}
}

// Serve answers on l, which it closes, until ctx ends. Then every stream ends,
// and it returns nil. Call it once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	srv := &http.Server{
		Handler:           s.routes(),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          stdlog.New(io.Discard, "", 0), // what a client did wrong it is told itself
	}
	var g errgroup.Group
	g.Go(func() error {
		s.changes.follow(ctx, s.engine)
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		// The handlers end with ctx; a second is for those that are writing.
		grace, done := context.WithTimeout(context.Background(), time.Second)
		defer done()
		if srv.Shutdown(grace) != nil {
			return srv.Close()
		}
		return nil
	})
	g.Go(func() error {
		defer cancel()
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return g.Wait()
}

// guard wraps the handler of e with what all have in common: limits, deadlines
// and the form of errors.
func (s *Server) guard(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w = &deadlineWriter{ResponseWriter: w, rc: http.NewResponseController(w)}
		err := discardBody(w, r)
		if err == nil && e.stream {
			select {
			case s.streams <- struct{}{}:
				defer func() { <-s.streams }()
			default:
				err = errorf(http.StatusServiceUnavailable, "there are %d streams already, which is the most", maxStreams)
			}
		}
		if err == nil {
			err = e.handle(w, r)
		}
		if err == nil || r.Context().Err() != nil {
			return
		}
		var answer *Error
		if !errors.As(err, &answer) {
			answer = errorf(http.StatusInternalServerError, "%v", err)
		}
		s.log.Debug("request refused", zap.String("method", r.Method), zap.String("path", r.URL.Path), zap.Error(err))
		writeJSON(w, answer.Code, answer)
	})
}

// discardBody reads the body, which no endpoint wants, so that the connection
// can be used again; one that is long or slow is refused.
func discardBody(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(bodyTimeout))
	if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		return errorf(http.StatusRequestEntityTooLarge, "cannot read the request's body: %v", err)
	}
	return rc.SetReadDeadline(time.Time{})
}

// writeJSON answers with v. That a client went away meanwhile is its own affair.
func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

// deadlineWriter gives each write its own deadline: a stream may go on for
// days, while a client that stops reading is given up after writeTimeout.
type deadlineWriter struct {
	http.ResponseWriter
	rc *http.ResponseController
}

func (d *deadlineWriter) Write(p []byte) (int, error) {
	_ = d.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	return d.ResponseWriter.Write(p)
}

func (d *deadlineWriter) Unwrap() http.ResponseWriter { return d.ResponseWriter }
