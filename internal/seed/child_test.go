package seed

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestAChildThatEndsAsItIsToldIsNoFailure(t *testing.T) {
	for name, script := range map[string]string{
		"by the signal": "exec sleep 60",
		"with status 0": "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done",
	} {
		c, err := startChild(t.Context(), "sh", "-c", script)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.stop(nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFailureComesWithWhatTheChildSays(t *testing.T) {
	c, err := startChild(t.Context(), "sh", "-c", "echo the disk is full; exit 4")
	if err != nil {
		t.Fatal(err)
	}
	failure := errors.New("cannot write")
	_ = c.command.Wait()
	if err := c.stop(failure); !errors.Is(err, failure) || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("the error is %v", err)
	}
}

func TestAChildEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := startChild(ctx, "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = c.command.Wait()
	if c.command.ProcessState == nil {
		t.Error("it runs on")
	}
}

func TestAProgramThatIsNotThereIsNamed(t *testing.T) {
	if _, err := startChild(t.Context(), "no-such-program"); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("the error is %v", err)
	}
}
