package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lyft/dockernetes/internal/bootlog"
	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/internal/readiness"
)

// healthTimeout is for asking why the cluster is not ready; the engine gives a
// health check little more.
const healthTimeout = time.Second

func (e *Env) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Say in one line whether the cluster is ready, for a health check",
		Long: `Says in one line whether the cluster is ready: exit status 0 if it is, 1 if not.
It is made to be called often: while the cluster is ready, it reads one file.`,
		Example: "  HEALTHCHECK --interval=5s --start-interval=500ms CMD [\"dnetinit\", \"health\"]",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := readiness.Read(e.ReadyFile)
			if err == nil {
				fmt.Fprintf(e.Stdout, "ready since %s; the boot took %s\n", r.Ready.Format(time.RFC3339),
					bootlog.Seconds(time.Duration(r.Seconds*float64(time.Second))))
				return nil
			}
			if !errors.Is(err, os.ErrNotExist) {
				return err
			}
			fmt.Fprintln(e.Stdout, "not ready: "+e.whyNotReady(c.Context()))
			return &exit{exitFailure, ""}
		},
	}
}

func (e *Env) whyNotReady(ctx context.Context) string {
	client := e.client()
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	answer, err := client.Ready(ctx)
	switch {
	case errors.Is(err, control.ErrNoSocket):
		return e.noSocket(err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("PID 1 does not answer within %s", healthTimeout)
	case err != nil:
		return err.Error()
	case answer.Ready: // in this very moment; the file follows
		return "about to be"
	}
	return bootlog.Clean(answer.Reason)
}
