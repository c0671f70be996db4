package phases

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"text/template"

	"github.com/lyft/dockernetes/internal/config"
)

// ContainerdConfig is where containerd and ctr look by themselves.
const ContainerdConfig = "/etc/containerd/config.toml"

//go:embed containerd.toml
var containerdTOML string

// Containerd writes containerd's configuration.
func Containerd(c *config.Config) func(context.Context) error {
	return func(context.Context) error {
		t, err := template.New(ContainerdConfig).Parse(containerdTOML)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		err = t.Execute(&text, struct {
			Snapshotter, PauseImage string
			RestrictOOMScore        bool
		}{Snapshotter(c.Host), config.PauseImage, !c.Host.SysResource})
		if err != nil {
			return fmt.Errorf("cannot fill in %s: %w", ContainerdConfig, err)
		}
		return write(c.Path(ContainerdConfig), text.Bytes(), public)
	}
}

// Snapshotter is the one that containerd and dockerd use: native, which copies
// every layer, where the state directories cannot hold an overlay.
func Snapshotter(h config.Host) string {
	if h.StateOnOverlay {
		return "native"
	}
	return "overlayfs"
}
