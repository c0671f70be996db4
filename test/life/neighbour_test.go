package life

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

// neighbour starts a container that is no cluster but runs test/app, and
// returns its name. args are for docker, command is for the app.
func neighbour(t *testing.T, args []string, command ...string) string {
	t.Helper()
	app, err := rig.App()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(file, app, 0o755); err != nil {
		t.Fatal(err)
	}
	name := rig.FreshName("w")
	rig.Sweep(rig.Container, name)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		rig.Docker(ctx, "rm", "--force", "--volumes", name)
	})
	create := slices.Concat([]string{"create", "--name", name, "--entrypoint=/app", "--no-healthcheck"}, args, []string{rig.Image()}, command)
	for _, args := range [][]string{create, {"cp", file, name + ":/app"}, {"start", name}} {
		if err := rig.Docker(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

// address is a container's IPv4 address.
func address(t *testing.T, name string) string {
	t.Helper()
	r := rig.Docker(t.Context(), "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(r.Stdout)
}
