package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lyft/dockernetes/internal/bootlog"
	"github.com/lyft/dockernetes/internal/bootrecord"
	"github.com/lyft/dockernetes/internal/bootreport"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// longIdle is from which length on a time without work is named.
const longIdle = bootreport.Offset(100 * time.Millisecond)

func (e *Env) bootCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "boot",
		Short: "Say where the time of a boot went",
		Long: `Says where the time of this boot went, or of an earlier one: of the last 10 boots
of this container there is a record. All times count from the first instruction
of PID 1. Without a further word it is boot time.`,
		Example: `  dnetinit boot time
  dnetinit boot blame
  dnetinit boot critical-chain
  dnetinit boot plot >boot.svg
  dnetinit boot trace --boot 1 >trace.json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no boot %q\nSee: %s --help", args[0], c.CommandPath())
			}
			return nil
		},
	}
	which := c.PersistentFlags().String("boot", "0", "which boot: 0 is this one, 1 the one before, and so on; or the file of a record")
	timeCommand := e.reportCommand(which, "time", "Print when each milestone was reached, on one line", noArgs, writeBootTime)
	c.RunE = func(c *cobra.Command, args []string) error {
		timeCommand.SetContext(c.Context())
		return timeCommand.RunE(timeCommand, args)
	}
	chain := e.reportCommand(which, "critical-chain [UNIT]", "Show the units that decided the time, and what each waited for", atMostOneUnit, writeChain)
	chain.Long = `Shows the chain of units that decided when the cluster was ready, or when UNIT
was: from the first unit on, each waited for the one above it. WAITED is the time
after that one was ready, TOOK the time until this one was, and CORES how many CPUs
the container had in use meanwhile: a unit that takes long with few of them waits
for something.`
	chain.ValidArgsFunction = e.completeUnits("phase", "service", "milestone")
	c.AddCommand(
		timeCommand,
		e.reportCommand(which, "blame", "List phases, services and milestones, the slowest first", noArgs, writeBlame),
		chain,
		e.drawCommand(which, "plot", "Draw every unit and the use of the CPU over time, as SVG", bootreport.Record.Plot),
		e.drawCommand(which, "trace", "Write the boot as a trace for Perfetto or chrome://tracing", writeTrace),
		e.bootListCommand(),
	)
	return c
}

func atMostOneUnit(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("%s takes one unit at most, but got %q\nSee: %s --help", c.Name(), args, c.CommandPath())
	}
	return nil
}

// report writes a part of what a record tells, as text or as JSON.
type report func(w io.Writer, r bootreport.Record, args []string, asJSON bool) error

func (e *Env) reportCommand(which *string, use, short string, args cobra.PositionalArgs, write report) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: args}
	output := outputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := e.bootRecord(c.Context(), *which)
		if err != nil {
			return err
		}
		return write(e.Stdout, r, args, *output == "json")
	}
	return c
}

func (e *Env) drawCommand(which *string, use, short string, draw func(bootreport.Record, io.Writer) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := e.bootRecord(c.Context(), *which)
			if err != nil {
				return err
			}
			if err := draw(r, e.Stdout); err != nil {
				return fmt.Errorf("cannot write the %s: %w", use, err)
			}
			return nil
		},
	}
}

// bootRecord finds the record that the flag --boot asks for.
func (e *Env) bootRecord(ctx context.Context, which string) (bootreport.Record, error) {
	n, err := strconv.Atoi(which)
	if err != nil {
		return bootrecord.Read(which)
	}
	n = max(n, -n) // some say -1 for the one before
	client := e.client()
	defer client.Close()
	r, err := client.Boot(ctx)
	if err != nil || n == 0 {
		return r, err
	}
	files, err := e.Boots.Before(r)
	if err != nil {
		return r, err
	}
	if n > len(files) {
		return r, usagef("there is no record of boot %d: this container has those of %d earlier boots. See: dnetinit boot list", n, len(files))
	}
	return bootrecord.Read(files[n-1])
}

func (e *Env) bootListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the boots of which there is a record", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			this, err := e.bootRecord(c.Context(), "0")
			if err != nil {
				return err
			}
			files, err := e.Boots.Before(this)
			if err != nil {
				return err
			}
			t := tabwriter.NewWriter(e.Stdout, 0, 8, 2, ' ', 0)
			fmt.Fprintln(t, "BOOT\tSTARTED\tREADY AFTER")
			writeBoot(t, 0, this)
			for i, file := range files {
				r, err := bootrecord.Read(file)
				if err != nil {
					return err
				}
				writeBoot(t, i+1, r)
			}
			return t.Flush()
		},
	}
}

func writeBoot(w io.Writer, n int, r bootreport.Record) {
	ready := "not ready"
	if at := r.Times().Ready; at != 0 {
		ready = at.String()
	}
	fmt.Fprintf(w, "%d\t%s\t%s\n", n, r.Zero.UTC().Format(time.DateTime+" MST"), ready)
}

func writeBootTime(w io.Writer, r bootreport.Record, _ []string, asJSON bool) error {
	t := r.Times()
	if asJSON {
		return writeIndented(w, t)
	}
	var points []string
	for _, m := range append([]bootreport.Point{{Name: "first unit", At: t.FirstUnit}}, t.Milestones...) {
		if m.Name != bootreport.Goal && (t.Ready == 0 || m.At <= t.Ready) {
			points = append(points, m.Name+" "+m.At.String())
		}
	}
	headline, end := fmt.Sprintf("ready %s after PID 1's first instruction", t.Ready), t.Ready
	if t.Ready == 0 {
		headline, end = fmt.Sprintf("not ready %s after PID 1's first instruction", t.Until), t.Until
	}
	_, err := fmt.Fprintf(w, "%s (%s); %.2f CPU-seconds, %.0f%% of %d CPUs; %.2f outside of the container\n",
		headline, strings.Join(points, ", "), t.CPUSeconds, 100*r.Cores(0, end)/float64(max(1, t.CPUs)), t.CPUs, t.OthersCPU)
	return err
}

func writeBlame(w io.Writer, r bootreport.Record, _ []string, asJSON bool) error {
	costs := r.Blame()
	if asJSON {
		return writeIndented(w, costs)
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "TOOK\tCPU\tBEGAN\t  UNIT")
	for _, c := range costs {
		cpu := ""
		if c.Kind == supervisor.KindService {
			cpu = fmt.Sprintf("%.2f s", c.CPU)
		}
		remark := ""
		if !c.Ready {
			remark = ", not ready"
		}
		if n := len(c.Failures); n > 0 {
			times := "once"
			if n > 1 {
				times = fmt.Sprintf("%d times, the last", n)
			}
			remark += fmt.Sprintf(", failed %s: %s", times, bootlog.Clean(c.Failures[n-1]))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t  %s (%s%s)\n", c.Took, cpu, c.Begun, c.Name, c.Kind, remark)
	}
	return t.Flush()
}

func writeChain(w io.Writer, r bootreport.Record, args []string, asJSON bool) error {
	goal := bootreport.Goal
	if len(args) > 0 {
		goal = args[0]
	}
	chain, err := r.Chain(goal)
	if err != nil {
		return usagef("%v", err)
	}
	var idle []bootreport.Idle // known only of the way to the goal
	if goal == bootreport.Goal {
		idle = r.IdleTimes(longIdle)
	}
	if asJSON {
		return writeIndented(w, struct {
			Chain []bootreport.Link `json:"chain"`
			Idle  []bootreport.Idle `json:"idle,omitempty"`
		}{chain, idle})
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "READY\tWAITED\tTOOK\tCORES\t  UNIT")
	for _, l := range chain {
		ready := l.Ready.String()
		if l.Ready == 0 {
			ready = "not ready"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.1f\t  %s (%s): %s\n", ready, l.Waited, l.Took, l.Cores, l.Name, l.Kind, l.Summary)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, i := range idle {
		if _, err := fmt.Fprintf(w, "Nothing was computed from %s to %s (%s), in %s.\n", i.From, i.To, i.To-i.From, i.Unit); err != nil {
			return err
		}
	}
	return nil
}

func writeTrace(r bootreport.Record, w io.Writer) error { return json.NewEncoder(w).Encode(r.Trace()) }

func writeIndented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
