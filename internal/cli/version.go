package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/lyft/dockernetes/internal/control"
)

// version is set when the program is linked:
// -ldflags "-X github.com/lyft/dockernetes/internal/cli.version=v1.0.0".
var version = "dev"

// parts is the order in which versions are shown; others follow.
var parts = []string{"dnetinit", "kubernetes", "etcd", "containerd", "runc", "docker", "coredns"}

// versions returns the version of dnetinit and those of the image's parts. It
// is no error if that is no image: then there are no parts.
func (e *Env) versions() (control.Versions, error) {
	v := control.Versions{}
	data, err := os.ReadFile(e.VersionsFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the versions: %w", err)
	}
	if err == nil {
		if err := json.Unmarshal(data, &v); err != nil {
			return nil, fmt.Errorf("cannot read the versions in %s: %w", e.VersionsFile, err)
		}
	}
	v["dnetinit"] = version
	return v, nil
}

func (e *Env) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the versions of dnetinit and of all parts of the image",
		Example: "  dnetinit version -o json",
		Args:    noArgs,
	}
	output := outputFlag(c, "text", "json")
	c.RunE = func(*cobra.Command, []string) error {
		v, err := e.versions()
		if err != nil {
			return err
		}
		if *output == "json" {
			enc := json.NewEncoder(e.Stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(v)
		}
		names := slices.Clone(parts)
		var others []string
		for name := range v {
			if !slices.Contains(parts, name) {
				others = append(others, name)
			}
		}
		slices.Sort(others)
		for _, name := range append(names, others...) {
			if v[name] != "" {
				fmt.Fprintf(e.Stdout, "%-12s%s\n", name, v[name])
			}
		}
		return nil
	}
	return c
}
