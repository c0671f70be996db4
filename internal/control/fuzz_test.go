package control

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"go.uber.org/zap"
)

// FuzzTheServerSurvivesAnyRequest writes any bytes to the socket, and asks
// whether the next client is answered.
func FuzzTheServerSurvivesAnyRequest(f *testing.F) {
	e := boot(f)
	e.AllReady()
	e.End()
	socket := serve(f, e)
	c := connect1(f, socket)
	f.Fuzz(func(t *testing.T, request string) {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, request) // the server may have had enough
		conn.Close()
		if _, err := c.Versions(soon(t)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzHandlers calls the handlers with any path and query: each answer is a
// success, or an error in our own form that is not the server's fault.
func FuzzHandlers(f *testing.F) {
	e := boot(f)
	e.AllReady()
	e.End()
	e.Write(f, "etcd", "one", "two", "three")
	s := NewServer(e, Versions{"dnetinit": "v1"}, zap.NewNop())
	s.Chaos = true
	handler := s.routes()
	f.Fuzz(func(t *testing.T, post bool, path, query string) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond) // what follows a log has no end
		defer cancel()
		method := map[bool]string{false: "GET", true: "POST"}[post]
		r := (&http.Request{Method: method, URL: &url.URL{Path: "/" + path, RawQuery: query}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "d", Header: http.Header{}, Body: http.NoBody}).WithContext(ctx)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code < 300 || w.Code == http.StatusMovedPermanently || w.Code == http.StatusTemporaryRedirect { // ServeMux cleans paths
			return
		}
		if w.Code >= 500 {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		var answer Error
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Message == "" || answer.Code != w.Code {
			t.Fatalf("status %d: %q is no error of ours (%v)", w.Code, w.Body, err)
		}
	})
}
