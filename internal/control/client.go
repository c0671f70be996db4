package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/lyft/dockernetes/internal/bootreport"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// ErrNoSocket is wrapped by the errors of a client when nobody listens: PID 1
// has not come that far yet, or is no dnetinit.
var ErrNoSocket = errors.New("nobody listens")

// ErrBroken is wrapped by the errors of a client whose stream ended early.
var ErrBroken = errors.New("the stream ended early")

// Client talks to the server behind one socket.
type Client struct {
	path string
	http *http.Client
}

// NewClient returns a client for the socket at path, which need not be there yet.
func NewClient(path string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &Client{path: path, http: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Close closes connections that are kept for later.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Snapshot asks for the state of every unit.
func (c *Client) Snapshot(ctx context.Context) (snap supervisor.Snapshot, err error) {
	return snap, c.get(ctx, "/v1/status", nil, &snap)
}

// Versions asks for the version of each part.
func (c *Client) Versions(ctx context.Context) (v Versions, err error) {
	return v, c.get(ctx, "/v1/version", nil, &v)
}

// Boot asks for the record of this boot.
func (c *Client) Boot(ctx context.Context) (r bootreport.Record, err error) {
	return r, c.get(ctx, "/v1/boot", nil, &r)
}

// Ready asks whether the cluster is ready.
func (c *Client) Ready(ctx context.Context) (ready Ready, err error) {
	return ready, c.get(ctx, "/v1/ready", nil, &ready)
}

// Wait calls each with the progress towards the unit called name and returns
// after the one that has an Outcome. It ends early with an error of each, of
// ctx, or one that wraps [ErrNoSocket] or [ErrBroken].
func (c *Client) Wait(ctx context.Context, name string, each func(Progress) error) error {
	ended := false
	err := follow(ctx, c, "/v1/wait", url.Values{"for": {name}}, func(p Progress) error {
		ended = p.Outcome != ""
		return each(p)
	})
	if err == nil && !ended {
		return fmt.Errorf("cannot wait for %s: %w", name, ErrBroken)
	}
	return err
}

// Events calls each with the events after the one numbered after, until PID 1
// ends, ctx ends or each returns an error.
func (c *Client) Events(ctx context.Context, after uint64, each func(supervisor.Event) error) error {
	return follow(ctx, c, "/v1/events", url.Values{"after": {strconv.FormatUint(after, 10)}}, each)
}

// LogQuery chooses lines of logs.
type LogQuery struct {
	Services []string // none means all
	Tail     int      // the last so many of each; negative means all
	Follow   bool     // and those that are still to come
}

// Logs calls each with the lines that q asks for.
func (c *Client) Logs(ctx context.Context, q LogQuery, each func(LogLine) error) error {
	v := url.Values{"service": q.Services}
	if q.Tail >= 0 {
		v.Set("tail", strconv.Itoa(q.Tail))
	}
	if q.Follow {
		v.Set("follow", "true")
	}
	return follow(ctx, c, "/v1/logs", v, each)
}

// Start starts a service.
func (c *Client) Start(ctx context.Context, service string) error {
	return c.act(ctx, service, "start", nil)
}

// Stop stops a service.
func (c *Client) Stop(ctx context.Context, service string) error {
	return c.act(ctx, service, "stop", nil)
}

// Restart restarts a service.
func (c *Client) Restart(ctx context.Context, service string) error {
	return c.act(ctx, service, "restart", nil)
}

// Chaos harms a service and returns when that is over. ctx ends it early.
func (c *Client) Chaos(ctx context.Context, service string, do supervisor.Chaos, length time.Duration) error {
	return c.act(ctx, service, "chaos", url.Values{"do": {string(do)}, "for": {length.String()}})
}

func (c *Client) act(ctx context.Context, service, verb string, q url.Values) error {
	body, err := c.do(ctx, http.MethodPost, "/v1/services/"+url.PathEscape(service)+"/"+verb, q)
	if err != nil {
		return err
	}
	return body.Close()
}

func (c *Client) get(ctx context.Context, path string, q url.Values, into any) error {
	body, err := c.do(ctx, http.MethodGet, path, q)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(into); err != nil {
		return fmt.Errorf("cannot read the answer of %s: %w", path, err)
	}
	return nil
}

// do returns the body of the answer, or the error that the server sent.
func (c *Client) do(ctx context.Context, method, path string, q url.Values) (io.ReadCloser, error) {
	u := url.URL{Scheme: "http", Host: "dnetinit", RawQuery: q.Encode()}
	u.Path, _ = url.PathUnescape(path)
	u.RawPath = path
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(err)
	}
	// 503 of /v1/ready is an answer, too.
	if resp.StatusCode == http.StatusOK || (path == "/v1/ready" && resp.StatusCode == http.StatusServiceUnavailable) {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	e := Error{Code: resp.StatusCode}
	if json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&e) != nil || e.Message == "" {
		e.Message = resp.Status
	}
	return nil, &e
}

// explain turns an error of the transport into one that says what is wrong.
func (c *Client) explain(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("cannot reach %s: %w", c.path, ErrNoSocket)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("cannot reach %s: only root may", c.path)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("cannot talk to %s: %w", c.path, ErrBroken)
	}
	return fmt.Errorf("cannot talk to %s: %w", c.path, err)
}

// follow calls each with the documents of a stream. It is no method as those
// have no type parameters.
func follow[T any](ctx context.Context, c *Client, path string, q url.Values, each func(T) error) error {
	body, err := c.do(ctx, http.MethodGet, path, q)
	if err != nil {
		return err
	}
	defer body.Close()
	dec := json.NewDecoder(body)
	for {
		var v T
		if err := dec.Decode(&v); err != nil {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, io.EOF):
				return nil
			}
			return fmt.Errorf("cannot read the stream of %s: %w", path, ErrBroken)
		}
		if err := each(v); err != nil {
			return err
		}
	}
}
