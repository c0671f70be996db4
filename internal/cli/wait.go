package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// notInitGrace is how long PID 1 may be another program before it is believed:
// for a moment the container's engine itself is.
const notInitGrace = time.Second

func (e *Env) waitCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "wait",
		Short: "Wait until the cluster, or a unit of it, is ready",
		Long: `Waits until the cluster is ready, or the unit that --for names, and shows what is
being waited for. It may be called as soon as the container runs.

Exit status: 0 when it is there, 1 when the time is over, 2 when it can't come
any more, each time with the unit that blocks, since when, its reason and the
last lines of its log.

Milestones: api (requests are served), node (Ready), dns (names are resolved),
default-sa (the default service account), docker, and ready, which is all that
a manifest needs. Any service or phase will do, too: dnetinit status.`,
		Example: `  dnetinit wait
  dnetinit wait --for=api --timeout=90s
  dnetinit wait --for=docker -o json`,
		Args: noArgs,
	}
	target := c.Flags().String("for", "ready", "the milestone, service or phase to wait for")
	timeout := c.Flags().Duration("timeout", 5*time.Minute, "how long to wait at most")
	output := outputFlag(c, "text", "json")
	_ = c.RegisterFlagCompletionFunc("for", e.completeUnits("milestone", "service", "phase"))
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *timeout <= 0 {
			return usagef("--timeout=%s is no time to wait", *timeout)
		}
		if *target == "" {
			return usagef("--for needs the name of a unit, such as ready")
		}
		var view waitView = silentView{}
		if *output == "text" {
			view = e.newWaitView(*target)
		}
		return e.wait(c.Context(), *target, *timeout, view, *output == "json")
	}
	return c
}

// wait waits for a unit and reports the end.
func (e *Env) wait(ctx context.Context, target string, timeout time.Duration, view waitView, asJSON bool) error {
	client := e.client()
	defer client.Close()
	began := time.Now()
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	last, err := e.progress(waiting, client, target, view)
	view.end()

	r := waitResult{For: target, Outcome: string(last.Outcome), Waited: seconds(time.Since(began)), snapshot: last.Snapshot}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		r.Outcome = outcomeTimeout
		r.timeout = timeout
	case errors.Is(err, control.ErrNoSocket):
		return &exit{exitImpossible, e.noSocket(err)}
	case err != nil:
		return err
	}
	if len(last.Snapshot.Units) > 0 {
		r.fill(ctx, client)
	}
	if asJSON {
		enc := json.NewEncoder(e.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("cannot write the result: %w", err)
		}
	} else {
		r.explain(e.Stderr)
	}
	if code := r.code(); code != 0 {
		return &exit{code, ""}
	}
	return nil
}

// progress follows the progress until there is an outcome, and returns the
// last that was seen. It waits for the socket, if that is not there yet, and
// for a new one if the connection breaks.
func (e *Env) progress(ctx context.Context, client *control.Client, target string, view waitView) (last control.Progress, err error) {
	began := time.Now()
	delay := 5 * time.Millisecond
	for {
		err := client.Wait(ctx, target, func(p control.Progress) error {
			last = p
			view.show(p)
			delay = 5 * time.Millisecond
			return nil
		})
		if !errors.Is(err, control.ErrNoSocket) && !errors.Is(err, control.ErrBroken) {
			return last, err
		}
		if errors.Is(err, control.ErrNoSocket) && time.Since(began) > notInitGrace && !e.IsInit() {
			return last, err
		}
		select {
		case <-time.After(delay):
			delay = min(2*delay, 100*time.Millisecond)
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
}

// needed returns the units on the way to target, itself included, as declared.
func needed(snap supervisor.Snapshot, target string) []supervisor.Status {
	on := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		u, known := snap.Unit(name)
		if !known || on[name] {
			return
		}
		on[name] = true
		for _, need := range u.Needs {
			visit(need)
		}
	}
	visit(target)
	var units []supervisor.Status
	for _, u := range snap.Units {
		if on[u.Name] {
			units = append(units, u)
		}
	}
	return units
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
