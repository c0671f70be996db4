package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// usualChaos is for how long a service is frozen or slow if nothing is said.
const usualChaos = 10 * time.Second

func (e *Env) chaosCommand() *cobra.Command {
	var kinds []string
	for _, k := range supervisor.Chaoses() {
		kinds = append(kinds, string(k))
	}
	c := &cobra.Command{
		Use:   "chaos " + strings.Join(kinds, "|") + " SERVICE",
		Short: "Harm a service on purpose, for a time",
		Long: `Harms a service, to see how an application lives with it:

  kill    its process is killed; with --for, each new one as well: it is gone
  freeze  its process stands still
  slow    its process runs a fifth of the time
  oom     its process is killed for want of memory

Without --for, what kills does so once, and the others last ` + usualChaos.String() + `. The command returns
when it is over. Interrupt it, and it is over at once; so it is when the cluster
is stopped. Meanwhile the service is watched as ever: one that is frozen for half
a minute is replaced, and the new process is harmed in its turn. dnetinit status
shows what is going on.

It is refused unless the container was started with DNET_CHAOS=1 or init --chaos.`,
		Example: `  dnetinit chaos freeze etcd --for=20s
  dnetinit chaos kill kube-apiserver`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 || !slices.Contains(kinds, args[0]) {
				return usagef("chaos needs one of %s and the name of a service. The names: dnetinit status", strings.Join(kinds, ", "))
			}
			return nil
		},
		ValidArgsFunction: func(c *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return kinds, cobra.ShellCompDirectiveNoFileComp
			}
			return e.completeUnits("service")(c, args, begun)
		},
	}
	length := c.Flags().Duration("for", 0, "how long it lasts, at most "+supervisor.LongestChaos.String())
	c.RunE = func(c *cobra.Command, args []string) error {
		do, service, length := supervisor.Chaos(args[0]), args[1], *length
		switch {
		case length < 0 || c.Flags().Changed("for") && length == 0:
			return usagef("--for=%s is no length of time, such as 30s", length)
		case length == 0 && !do.Kills():
			length = usualChaos
		}
		client := e.client()
		defer client.Close()
		if err := client.Chaos(c.Context(), service, do, length); err != nil {
			return err
		}
		fmt.Fprintf(e.Stdout, "%s: %s is over\n", service, do)
		return nil
	}
	return c
}
