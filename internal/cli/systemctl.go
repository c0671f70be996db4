package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// The exit statuses of systemctl, as its manual page has them (they are LSB's).
const (
	lsbFailure    = 1 // also: not failed (is-failed), not running (is-system-running)
	lsbNotRunning = 3
	lsbUnknown    = 4 // no such unit
	lsbNotFound   = 5 // no such unit to start or stop
)

// shimTimeout is for one answer of PID 1.
const shimTimeout = 5 * time.Second

// shim is one call of systemctl.
type shim struct {
	env    *Env
	ctx    context.Context
	client *control.Client
	snap   supervisor.Snapshot
	// booting is true as long as PID 1 has no socket yet; snap is empty then.
	booting bool

	quiet, noBlock, wait, noLegend, value, all, failed bool
	states, types, properties                          []string
}

// verb is one row of what systemctl can do here.
type verb struct {
	name    string
	units   int // how many names of units it needs at least
	summary string
	run     func(s *shim, args []string) (code int, err error)
}

func verbs() []verb {
	return []verb{
		{"is-active", 1, "say whether units are active", (*shim).isActive},
		{"is-failed", 0, "say whether units have failed", (*shim).isFailed},
		{"is-enabled", 1, "say whether units are enabled; all that exist are", (*shim).isEnabled},
		{"is-system-running", 0, "say whether the cluster is ready", (*shim).isSystemRunning},
		{"status", 0, "show units", (*shim).status},
		{"show", 0, "show properties of units", (*shim).show},
		{"list-units", 0, "list units", (*shim).listUnits},
		{"start", 1, "start services", change("start", (*control.Client).Start)},
		{"stop", 1, "stop services", change("stop", (*control.Client).Stop)},
		{"restart", 1, "restart services", change("restart", (*control.Client).Restart)},
		{"try-restart", 1, "restart services", change("restart", (*control.Client).Restart)},
		{"reload-or-restart", 1, "restart services", change("restart", (*control.Client).Restart)},
		{"daemon-reload", 0, "do nothing: there are no unit files", func(*shim, []string) (int, error) { return 0, nil }},
		{"poweroff", 0, "stop the container", (*shim).halt},
		{"halt", 0, "stop the container", (*shim).halt},
		{"reboot", 0, "is refused", func(*shim, []string) (int, error) {
			return lsbFailure, errors.New("a container can't start itself again; use: docker restart NAME")
		}},
	}
}

// systemctl runs one call of systemctl and returns the exit status.
func (e *Env) systemctl(ctx context.Context, args []string) int {
	s := &shim{env: e, ctx: ctx, client: e.client()}
	defer s.client.Close()
	code := 0
	var list []string
	for _, v := range verbs() {
		list = append(list, fmt.Sprintf("  %-18s %s", v.name, v.summary))
	}
	c := &cobra.Command{
		Use:   "systemctl VERB [UNIT…]",
		Short: "What old scripts ask of systemd, answered by dnetinit",
		Long: `What old scripts ask of systemd, answered by dnetinit, with systemd's words and exit
statuses. multi-user.target is the ready cluster; docker.service, kubelet.service
and so on are the services. See also: dnetinit --help

Verbs:
` + strings.Join(list, "\n"),
		SilenceUsage: true, SilenceErrors: true,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) (err error) {
			code, err = s.run(args)
			return err
		},
	}
	f := c.Flags()
	f.BoolVarP(&s.quiet, "quiet", "q", false, "print nothing, only end with the status")
	f.BoolVar(&s.noBlock, "no-block", false, "do not wait for the end of start, stop and restart")
	f.BoolVar(&s.wait, "wait", false, "is-system-running: wait for the end of the boot")
	f.BoolVar(&s.noLegend, "no-legend", false, "list-units: no headline and no sum")
	f.BoolVar(&s.value, "value", false, "show: only the values")
	f.BoolVarP(&s.all, "all", "a", false, "list-units: also what is not active")
	f.BoolVar(&s.failed, "failed", false, "list-units: only what has failed")
	f.StringSliceVar(&s.states, "state", nil, "list-units: only these states")
	f.StringSliceVarP(&s.types, "type", "t", nil, "list-units: only these types")
	f.StringSliceVarP(&s.properties, "property", "p", nil, "show: only these properties")
	// Taken for the sake of scripts; they change nothing here.
	for _, name := range []string{"no-pager", "plain", "system", "now", "force", "no-ask-password", "no-wall"} {
		f.Bool(name, false, "changes nothing here")
	}
	f.BoolP("full", "l", false, "changes nothing here")
	f.StringP("lines", "n", "", "changes nothing here")
	f.StringP("output", "o", "", "changes nothing here")
	c.SetArgs(args)
	c.SetOut(e.Stdout)
	c.SetErr(e.Stderr)
	err := c.ExecuteContext(ctx)
	if err == nil {
		return code
	}
	if code == 0 { // a flag, or something that went wrong
		code = lsbFailure
	}
	if message := s.explain(err); message != "" {
		fmt.Fprintln(e.Stderr, "systemctl: "+message)
	}
	return code
}

// run finds the verb and what it needs to know.
func (s *shim) run(args []string) (int, error) {
	if len(args) == 0 {
		args = []string{"list-units"}
	}
	all := verbs()
	i := slices.IndexFunc(all, func(v verb) bool { return v.name == args[0] })
	if i < 0 {
		return lsbFailure, fmt.Errorf("there is no verb %q here. See: systemctl --help", args[0])
	}
	v, units := all[i], args[1:]
	if len(units) < v.units {
		return lsbFailure, fmt.Errorf("%s needs the name of a unit, such as multi-user.target or docker.service", v.name)
	}
	if err := s.look(); err != nil {
		return lsbFailure, err
	}
	return v.run(s, units)
}

// look takes the snapshot that all answers are made of. That there is no
// socket yet is an answer, too.
func (s *shim) look() error {
	ctx, cancel := context.WithTimeout(s.ctx, shimTimeout)
	defer cancel()
	snap, err := s.client.Snapshot(ctx)
	switch {
	case err == nil:
		s.snap = snap
		return nil
	case (errors.Is(err, control.ErrNoSocket) || errors.Is(err, control.ErrBroken)) && s.env.IsInit():
		s.booting = true
		return nil
	}
	return err
}

func (s *shim) explain(err error) string {
	_, message := s.env.explain(s.ctx, err)
	return message
}

// printf prints unless --quiet.
func (s *shim) printf(format string, args ...any) {
	if !s.quiet {
		fmt.Fprintf(s.env.Stdout, format, args...)
	}
}

// change makes the verb that lets do change each of the services.
func change(verb string, do func(*control.Client, context.Context, string) error) func(*shim, []string) (int, error) {
	return func(s *shim, args []string) (int, error) {
		for _, arg := range args {
			u := s.unit(arg)
			switch {
			case s.booting:
				return lsbFailure, fmt.Errorf("cannot %s %s: PID 1 has only begun to boot", verb, u.id)
			case !u.known:
				return lsbNotFound, fmt.Errorf("cannot %s %s: there is no such unit. See: systemctl list-units --all", verb, u.id)
			case u.Kind == supervisor.KindMilestone && verb == "start":
				if err := s.untilReady(u.Name); err != nil {
					return lsbFailure, err
				}
				continue
			case u.Kind != supervisor.KindService:
				return lsbFailure, fmt.Errorf("cannot %s %s: only services can be changed", verb, u.id)
			}
			ctx, cancel := s.ctx, context.CancelFunc(func() {})
			if s.noBlock {
				// The wish is heard long before that; what follows needs nobody who waits.
				ctx, cancel = context.WithTimeout(s.ctx, time.Second)
			}
			err := do(s.client, ctx, u.Name)
			cancel()
			if err != nil && !(s.noBlock && errors.Is(err, context.DeadlineExceeded)) {
				return lsbFailure, err
			}
		}
		return 0, nil
	}
}

// untilReady waits for a milestone, as starting a target does.
func (s *shim) untilReady(name string) error {
	var last control.Progress
	err := s.client.Wait(s.ctx, name, func(p control.Progress) error {
		last = p
		return nil
	})
	if err == nil && last.Outcome != control.Reached {
		err = fmt.Errorf("%s can't become ready. See: dnetinit wait --for=%s", name, name)
	}
	return err
}

func (s *shim) halt([]string) (int, error) {
	if !s.env.IsInit() {
		return lsbFailure, errors.New("PID 1 is no dnetinit here")
	}
	if err := s.env.Signal1(syscall.SIGTERM); err != nil {
		return lsbFailure, fmt.Errorf("cannot tell PID 1 to stop: %w", err)
	}
	return 0, nil
}
