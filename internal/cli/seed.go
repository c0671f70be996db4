package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// seedCommand is for the build of the image, and for nobody else.
func (e *Env) seedCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "seed-save DIR",
		Short:  "Make the seed of an image from the cluster in this container",
		Hidden: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("%s needs a folder to make", c.Name())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if e.SaveSeed == nil {
				return errors.New("this dnetinit was built without what makes a seed")
			}
			return e.SaveSeed(c.Context(), defaultConfig, args[0])
		},
	}
}
