package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/pkg/supervisor"
)

// DockerdConfig is dockerd's configuration: ours, with the user's laid over it.
const DockerdConfig = "/run/dnetinit/dockerd.json"

// userDockerdConfig is where a user puts settings for dockerd, as anywhere.
const userDockerdConfig = "/etc/docker/daemon.json"

// dockerdDefaults are dockerd's settings for sharing containerd's images with
// the kubelet.
func dockerdDefaults(c *config.Config) map[string]any {
	return map[string]any{
		"hosts":                []string{"fd://"}, // the socket that is handed over
		"containerd":           "/run/containerd/containerd.sock",
		"containerd-namespace": "k8s.io",
		"features":             map[string]any{"containerd-snapshotter": true},
		"storage-driver":       Snapshotter(c.Host),
		"data-root":            "/var/lib/docker",
		"exec-opts":            []string{"native.cgroupdriver=cgroupfs"},
		// dockerd would set the FORWARD policy to DROP and cut the pods off.
		"ip-forward-no-drop": true,
		"mtu":                c.Host.MTU,
		"log-level":          "warn",
		"shutdown-timeout":   2, // seconds; the whole container has less than ten
	}
}

// Dockerd writes dockerd's configuration.
func Dockerd(c *config.Config) func(context.Context) error {
	return func(context.Context) error {
		settings := dockerdDefaults(c)
		if c.Host.MTU == 0 {
			delete(settings, "mtu")
		}
		path := c.Path(userDockerdConfig)
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot read dockerd's configuration: %w", err)
		}
		if err == nil {
			user := map[string]any{}
			if err := json.Unmarshal(text, &user); err != nil {
				return supervisor.Final(fmt.Errorf("cannot use dockerd's configuration %s: %w", path, err))
			}
			for key, value := range user {
				settings[key] = value
			}
		}
		text, err = json.MarshalIndent(settings, "", "  ")
		if err != nil {
			return fmt.Errorf("cannot encode %s: %w", DockerdConfig, err)
		}
		return write(c.Path(DockerdConfig), append(text, '\n'), public)
	}
}
