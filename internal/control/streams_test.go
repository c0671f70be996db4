package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

func TestWaitingEnds(t *testing.T) {
	tests := []struct {
		name, target string
		then         func(*enginetest.Engine)
		want         Outcome
	}{
		{"when the milestone is ready", "ready", func(e *enginetest.Engine) { e.AllReady() }, Reached},
		{"when a service is ready, though the rest is not", "etcd", func(e *enginetest.Engine) { e.AllReady("pki", "etcd") }, Reached},
		{"when a phase on the way has failed", "ready", func(e *enginetest.Engine) { e.To("pki", supervisor.Failed) }, Hopeless},
		{"when a service on the way was stopped", "ready", func(e *enginetest.Engine) {
			e.AllReady("pki")
			e.To("etcd", supervisor.Stopped)
		}, Hopeless},
		{"when PID 1 is stopping", "docker", func(e *enginetest.Engine) { e.Halt() }, Stopping},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := boot(t)
			c := connect(t, e)
			var last Progress
			begun := false
			err := c.Wait(soon(t), tt.target, func(p Progress) error {
				if !begun {
					begun = true
					if p.Outcome != "" {
						t.Errorf("the first line has the outcome %q", p.Outcome)
					}
					tt.then(e)
				}
				last = p
				return nil
			})
			if err != nil || last.Outcome != tt.want || last.For != tt.target {
				t.Errorf("got %q for %q, %v; want %q", last.Outcome, last.For, err, tt.want)
			}
		})
	}
}

func TestWaitingForWhatIsReadyTakesOneLine(t *testing.T) {
	e := boot(t)
	e.AllReady()
	lines := 0
	err := connect(t, e).Wait(soon(t), "ready", func(Progress) error { lines++; return nil })
	if err != nil || lines != 1 {
		t.Errorf("got %d lines, %v", lines, err)
	}
}

func TestWaitingForAnUnknownNameListsTheNames(t *testing.T) {
	err := connect(t, boot(t)).Wait(soon(t), "redy", func(Progress) error { return nil })
	var e *Error
	if !errors.As(err, &e) || e.Code != http.StatusNotFound || len(e.Known) != 7 {
		t.Errorf("got %v", err)
	}
}

// recorder is a client that can be looked at while the handler runs.
type recorder struct {
	mu     sync.Mutex
	header http.Header
	text   strings.Builder
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int)     {}
func (r *recorder) Flush()              {}
func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}
func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func TestAServiceThatIsRestartedIsNotHopelessYet(t *testing.T) {
	e := boot(t)
	e.AllReady("pki")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := NewServer(e, nil, zap.NewNop())
		w := &recorder{header: http.Header{}}
		req, _ := http.NewRequestWithContext(ctx, "GET", "/v1/wait?for=ready", nil)
		done := make(chan struct{})
		go func() { defer close(done); s.wait(w, req) }()
		synctest.Wait()

		e.To("etcd", supervisor.Stopped)
		time.Sleep(pulse + hopelessFor/2) // under synctest: no real time
		e.To("etcd", supervisor.Starting)
		time.Sleep(2 * pulse)
		synctest.Wait()
		if strings.Contains(w.String(), string(Hopeless)) {
			t.Error("a short stop is taken for the end")
		}

		e.To("etcd", supervisor.Stopped)
		time.Sleep(pulse + hopelessFor)
		synctest.Wait()
		select {
		case <-done:
		default:
			t.Error("a lasting stop is not taken for the end")
		}
		if !strings.Contains(w.String(), `"outcome":"hopeless"`) {
			t.Errorf("got %s", w.String())
		}
		cancel()
	})
}

func TestEventsAreToldFromTheOneAskedFor(t *testing.T) {
	e := boot(t)
	e.AllReady("pki", "etcd", "kube-apiserver")
	var got []string
	enough := errors.New("enough")
	err := connect(t, e).Events(soon(t), 1, func(event supervisor.Event) error {
		got = append(got, fmt.Sprintf("%d %s %s", event.Seq, event.Unit, event.To))
		if len(got) == 2 {
			e.AllReady("api")
		}
		if len(got) == 3 {
			return enough
		}
		return nil
	})
	if want := "2 etcd ready, 3 kube-apiserver ready, 4 api ready"; !errors.Is(err, enough) || strings.Join(got, ", ") != want {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEventsEndWithTheEngine(t *testing.T) {
	e := boot(t)
	e.End()
	if err := connect(t, e).Events(soon(t), 0, func(supervisor.Event) error { return nil }); err != nil {
		t.Error(err)
	}
}

func TestStreamsThatAskForNonsenseAreRefused(t *testing.T) {
	socket := serve(t, boot(t))
	for _, path := range []string{"/v1/events?after=-1", "/v1/logs?tail=many", "/v1/logs?tail=-1", "/v1/logs?service=ready", "/v1/wait?for=%00"} {
		resp, err := raw(t, socket).Get("http://dnetinit" + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode > 404 {
			t.Errorf("%s: got %s", path, resp.Status)
		}
	}
}

func TestAThousandWaitersOfWhichHalfVanish(t *testing.T) {
	e := boot(t)
	socket := serve(t, e)
	ctx := soon(t)
	var waiting, all sync.WaitGroup
	vanish, goAway := context.WithCancel(ctx)
	outcomes := make(chan Outcome, 1000)
	for i := range 1000 {
		ctx := ctx
		if i%2 == 0 {
			ctx = vanish
		}
		waiting.Add(1)
		all.Go(func() {
			c := NewClient(socket)
			defer c.Close()
			var last Progress
			var once sync.Once
			err := c.Wait(ctx, "ready", func(p Progress) error {
				once.Do(waiting.Done)
				last = p
				return nil
			})
			once.Do(waiting.Done)
			if err == nil {
				outcomes <- last.Outcome
			} else if ctx == vanish && errors.Is(err, context.Canceled) {
				outcomes <- ""
			} else {
				outcomes <- Outcome(err.Error())
			}
		})
	}
	waiting.Wait()
	goAway()
	e.AllReady()
	all.Wait()
	count := map[Outcome]int{}
	for range 1000 {
		count[<-outcomes]++
	}
	if count[Reached] < 500 || count[Reached]+count[""] != 1000 {
		t.Errorf("got %v", count)
	}
}
