package control

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func dial(t *testing.T, socket string) *net.UnixConn {
	t.Helper()
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.UnixConn)
}

func TestClientsThatNeverEndTheirRequestAreGivenUpAndCostTheOthersNothing(t *testing.T) {
	t.Parallel()
	socket := serve(t, boot(t))
	starts := []string{
		"",
		"GET /v1/status HTTP/1.1\r\nHost: d\r\nX: ",
		"POST /v1/services/etcd/start HTTP/1.1\r\nHost: d\r\nContent-Length: 100\r\n\r\nx",
	}
	var slow []net.Conn
	for i := range 300 {
		c := dial(t, socket)
		if _, err := io.WriteString(c, starts[i%len(starts)]); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	began := time.Now()
	if _, err := connect1(t, socket).Snapshot(soon(t)); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > headerTimeout/2 {
		t.Errorf("the next client was answered after %s", took)
	}
	for i, c := range slow {
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Fatalf("client %d was not given up: %v", i, err)
		}
	}
	if took := time.Since(began); took > headerTimeout+bodyTimeout {
		t.Errorf("the last one was given up after %s", took)
	}
}

func TestAClientThatClosesItsHalfIsAnsweredOrForgotten(t *testing.T) {
	t.Parallel()
	e := boot(t)
	socket := serve(t, e)
	for _, request := range []string{"GET /v1/status", "GET /v1/wait?for=ready", "GET /v1/events", "GET /v1/logs?service=etcd&follow=true", "POST /v1/services/etcd/chaos?do=freeze&for=1h"} {
		t.Run(request, func(t *testing.T) {
			c := dial(t, socket)
			fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: d\r\n\r\n", request)
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(c) // ends when the server is through with it
			if err != nil {
				t.Errorf("the server goes on with it: %v", err)
			}
			if strings.Contains(request, "status") && !strings.Contains(string(answer), `"units"`) {
				t.Errorf("got %q", answer)
			}
		})
	}
	if u, _ := e.Snapshot().Unit("etcd"); u.Chaos != "" {
		t.Errorf("the chaos of a client that has gone lasts: %s", u.Chaos)
	}
}
