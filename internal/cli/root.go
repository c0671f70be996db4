package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lyft/dockernetes/internal/control"
)

// Exit statuses. systemctl has its own.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitImpossible  = 2
	exitInterrupted = 130
)

// exit is an error with an exit status of its own. An empty message means that
// all has been said already.
type exit struct {
	code    int
	message string
}

func (e *exit) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return &exit{exitUsage, fmt.Sprintf(format, args...)}
}

// root makes the command line.
func (e *Env) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "dnetinit",
		Short: "PID 1 of a Kubernetes in one container, and its command line",
		Long: `dnetinit is PID 1 of a whole Kubernetes in one container, and the command line
with which one waits for it, looks at it, and changes its services. It is to be
run inside of that container: docker exec NAME dnetinit …`,
		Example: `  docker exec NAME dnetinit wait
  docker exec NAME dnetinit status --watch
  docker exec NAME dnetinit logs -f kubelet
  docker exec NAME dnetinit kubeconfig > kubeconfig`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(e.Stdout)
	root.SetErr(e.Stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%v\nSee: %s --help", err, c.CommandPath())
	})
	root.AddCommand(
		e.waitCommand(),
		e.statusCommand(),
		e.logsCommand(),
		e.bootCommand(),
		e.serviceCommand("start", (*control.Client).Start),
		e.serviceCommand("stop", (*control.Client).Stop),
		e.serviceCommand("restart", (*control.Client).Restart),
		e.chaosCommand(),
		e.healthCommand(),
		e.kubeconfigCommand(),
		e.versionCommand(),
		e.initCommand(),
		e.seedCommand(),
	)
	return root
}

// run runs one command line and returns the exit status.
func (e *Env) run(ctx context.Context, args []string) int {
	root := e.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code, message := e.explain(ctx, err)
	if message != "" {
		fmt.Fprintln(e.Stderr, "dnetinit: "+message)
	}
	return code
}

// explain turns an error into an exit status and what to tell the user.
func (e *Env) explain(ctx context.Context, err error) (code int, message string) {
	var own *exit
	var answer *control.Error
	switch {
	case errors.As(err, &own):
		return own.code, own.message
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted, "interrupted"
	case errors.Is(err, control.ErrNoSocket):
		return exitFailure, e.noSocket(err)
	case errors.As(err, &answer):
		code, message = exitFailure, answer.Message
		if len(answer.Known) > 0 { // a name that there is not
			code, message = exitUsage, message+"; there are: "+strings.Join(answer.Known, ", ")
		}
		return code, message
	case strings.HasPrefix(err.Error(), "unknown command"): // cobra has no type for it
		return exitUsage, strings.TrimSpace(err.Error()) + "\nSee: dnetinit --help"
	}
	return exitFailure, err.Error()
}

// noSocket says why nobody answers, and what to do.
func (e *Env) noSocket(err error) string {
	if e.IsInit() {
		return err.Error() + " yet, as PID 1 has only begun to boot. To wait for it: dnetinit wait"
	}
	return err.Error() + ", as PID 1 is no dnetinit here. Run this inside of the container: docker exec NAME dnetinit …"
}

// noArgs refuses arguments, where cobra's own check would call them commands.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, but got %q\nSee: %s --help", c.Name(), args[0], c.CommandPath())
	}
	return nil
}

// outputFlag adds -o, which must be one of formats; the first is the default.
func outputFlag(c *cobra.Command, formats ...string) *string {
	o := c.Flags().StringP("output", "o", formats[0], "output format: "+strings.Join(formats, ", "))
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if !slices.Contains(formats, *o) {
			return usagef("there is no output format %q; there are: %s", *o, strings.Join(formats, ", "))
		}
		return nil
	}
	return o
}

// completeUnits completes the names of units of the given kinds.
func (e *Env) completeUnits(kinds ...string) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		client := e.client()
		defer client.Close()
		ctx, cancel := context.WithTimeout(c.Context(), 500*time.Millisecond)
		defer cancel()
		snap, err := client.Snapshot(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, u := range snap.Units {
			if slices.Contains(kinds, string(u.Kind)) {
				names = append(names, cobra.CompletionWithDesc(u.Name, u.Summary))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
