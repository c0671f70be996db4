package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lyft/dockernetes/internal/control"
)

// serviceCommand makes one of start, stop and restart, which do is.
func (e *Env) serviceCommand(verb string, do func(*control.Client, context.Context, string) error) *cobra.Command {
	end := map[string]string{"start": "ready", "stop": "stopped", "restart": "ready again"}[verb]
	title := strings.ToUpper(verb[:1]) + verb[1:]
	return &cobra.Command{
		Use:   verb + " SERVICE…",
		Short: title + " services",
		Long: fmt.Sprintf(`%s services, one after the other, and returns when each is %s. Pods keep
running while containerd or dockerd is down. The names are those of dnetinit status.`, title+"s", end),
		Example: "  dnetinit " + verb + " kubelet",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s needs the name of a service. The names: dnetinit status", verb)
			}
			return nil
		},
		ValidArgsFunction: e.completeUnits("service"),
		RunE: func(c *cobra.Command, args []string) error {
			client := e.client()
			defer client.Close()
			for _, name := range args {
				if err := do(client, c.Context(), name); err != nil {
					return err
				}
				fmt.Fprintf(e.Stdout, "%s is %s\n", name, end)
			}
			return nil
		},
	}
}
