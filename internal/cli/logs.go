package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lyft/dockernetes/internal/bootlog"
	"github.com/lyft/dockernetes/internal/control"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

func (e *Env) logsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "logs [SERVICE…]",
		Short: "Print what services have written",
		Long: `Prints the last lines that the services have written, in the order of time; all
services if none is named. Older lines are in /var/log/dnetinit/SERVICE.log.`,
		Example: `  dnetinit logs etcd
  dnetinit logs -f --tail 20 kubelet containerd`,
		ValidArgsFunction: e.completeUnits("service"),
	}
	follow := c.Flags().BoolP("follow", "f", false, "go on with the lines to come")
	tail := c.Flags().Int("tail", -1, "the last so many lines of each service; -1 means all that are remembered")
	times := c.Flags().Bool("timestamps", false, "begin each line with the time at which it was written")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *tail < -1 {
			return usagef("--tail=%d is no number of lines", *tail)
		}
		client := e.client()
		defer client.Close()
		width := 0
		for _, name := range args {
			width = max(width, len(name))
		}
		if len(args) == 0 {
			snap, err := client.Snapshot(c.Context())
			if err != nil {
				return err
			}
			for _, u := range snap.Units {
				if u.Kind == supervisor.KindService {
					width = max(width, len(u.Name))
				}
			}
		}
		terminal := e.Terminal() > 0
		q := control.LogQuery{Services: args, Tail: *tail, Follow: *follow}
		return client.Logs(c.Context(), q, func(l control.LogLine) error {
			text := l.Text
			if terminal {
				text = bootlog.Printable(text)
			}
			if *times {
				text = l.Time.Format(time.RFC3339Nano) + " " + text
			}
			if len(args) != 1 {
				text = fmt.Sprintf("%-*s | %s", width, l.Service, text)
			}
			if l.Skipped > 0 {
				text = fmt.Sprintf("… %d lines were skipped, as they came too fast\n%s", l.Skipped, text)
			}
			_, err := fmt.Fprintln(e.Stdout, text)
			return err
		})
	}
	return c
}
