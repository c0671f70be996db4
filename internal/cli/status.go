package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/lyft/dockernetes/internal/bootlog"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// refresh is the time between two pictures of --watch.
const refresh = time.Second

func (e *Env) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Show every service, phase and milestone",
		Long: `Shows every unit of the boot: its state and since when, and for services the
process, how often it was restarted, the CPU time and the memory of its cgroup;
for what is not ready, what it waits for or why it failed.`,
		Example: `  dnetinit status
  dnetinit status --watch
  dnetinit status -o json`,
		Args: noArgs,
	}
	output := outputFlag(c, "table", "json", "yaml")
	watch := c.Flags().BoolP("watch", "w", false, "show it anew each second until interrupted")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return e.status(c.Context(), *output, *watch)
	}
	return c
}

func (e *Env) status(ctx context.Context, output string, watch bool) error {
	client := e.client()
	defer client.Close()
	live := watch && output == "table" && e.Terminal() > 0
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for n := 0; ; n++ {
		snap, err := client.Snapshot(ctx)
		if err != nil {
			return err
		}
		var page strings.Builder
		switch {
		case live:
			page.WriteString("\x1b[H\x1b[2J")
		case n > 0 && output == "table":
			page.WriteString("\n")
		case n > 0 && output == "yaml":
			page.WriteString("---\n")
		}
		if err := writeStatus(&page, snap, output, watch); err != nil {
			return err
		}
		if _, err := io.WriteString(e.Stdout, page.String()); err != nil {
			return fmt.Errorf("cannot write the status: %w", err)
		}
		if !watch {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// writeStatus writes one picture. In a series of JSON documents each is one line.
func writeStatus(w io.Writer, snap supervisor.Snapshot, output string, series bool) error {
	switch output {
	case "json":
		enc := json.NewEncoder(w)
		if !series {
			enc.SetIndent("", "  ")
		}
		return enc.Encode(snap)
	case "yaml":
		data, err := yaml.Marshal(snap)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	}
	return writeTable(w, snap)
}

func writeTable(w io.Writer, snap supervisor.Snapshot) error {
	var table strings.Builder
	t := tabwriter.NewWriter(&table, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "KIND\tNAME\tSTATE\tSINCE\tPID\tRESTARTS\tCPU\tMEMORY\tWAITS FOR / REASON")
	for _, u := range snap.Units {
		pid, restarts, cpu, memory := "", "", "", ""
		if u.Kind == supervisor.KindService {
			restarts = fmt.Sprint(u.Restarts)
		}
		if u.PID != 0 {
			pid = fmt.Sprint(u.PID)
			cpu = fmt.Sprintf("%.1f s", u.CPU)
			memory = fmt.Sprintf("%d MiB", u.Memory>>20)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Kind, u.Name, u.State,
			snap.Time.Sub(u.Since).Truncate(time.Second), pid, restarts, cpu, memory, why(u))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	// Empty cells at the end of a line are padded, too.
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	return nil
}

// why says what keeps a unit from being ready.
func why(u supervisor.Status) string {
	var parts []string
	if u.State == supervisor.Waiting && len(u.WaitsFor) > 0 {
		parts = append(parts, strings.Join(u.WaitsFor, ", "))
	}
	if u.Reason != "" {
		parts = append(parts, bootlog.Clean(u.Reason))
	}
	if u.Chaos != "" {
		parts = append(parts, "chaos: "+u.Chaos)
	}
	return strings.Join(parts, "; ")
}
