package control

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/bootreport"
	"github.com/lyft/dockernetes/internal/control/enginetest"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// recorded is what the servers of the tests say of their boot.
var recorded = bootreport.Record{
	Zero: enginetest.Start, Until: 5e9, CPUs: 2,
	Units:   []bootreport.Unit{{Name: "ready", Kind: supervisor.KindMilestone, Begun: 1e9, Ready: 2e9}},
	Samples: []bootreport.Sample{{At: 1e9, Machine: 7}},
}

func TestTheRecordOfTheBootIsAnswered(t *testing.T) {
	got, err := connect(t, boot(t)).Boot(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(recorded, got); diff != "" {
		t.Error(diff)
	}
}

func TestABootThatIsNotRecordedIsNotFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- NewServer(boot(t), nil, zap.NewNop()).Serve(ctx, l) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	c := NewClient(path)
	defer c.Close()
	var answer *Error
	if _, err := c.Boot(soon(t)); !errors.As(err, &answer) || answer.Code != http.StatusNotFound {
		t.Errorf("got %v", err)
	}
}
