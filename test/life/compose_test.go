package life

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

// composeFile is what a user has in a CI job: a cluster, and tests that are
// started once it is healthy and find the credentials in a shared volume.
const composeFile = `
services:
  cluster:
    image: IMAGE
    hostname: cluster
    privileged: true
    volumes: [credentials:/etc/kubernetes]
  tests:
    image: IMAGE
    depends_on:
      cluster: {condition: service_healthy}
    volumes: [credentials:/etc/kubernetes:ro]
    command: [kubectl, --server=https://cluster:6443, get, nodes]
volumes:
  credentials: {}
`

func TestComposeStartsTheTestsOnceTheClusterIsHealthy(t *testing.T) {
	t.Parallel()
	rig.Need(t)
	if rig.Privileges()[0] != "--privileged" {
		t.Skip("the engine refuses privileged: true")
	}
	compose := composeCommand(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "compose.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(composeFile, "IMAGE", rig.Image())), 0o644); err != nil {
		t.Fatal(err)
	}
	project := rig.FreshName("p")
	compose = append(compose, "--project-name", project, "--file", file)
	rig.Sweep(rig.Network, project+"_default")
	rig.Sweep(rig.Volume, project+"_credentials")
	for _, service := range []string{"cluster", "tests"} {
		rig.Sweep(rig.Container, project+"-"+service+"-1")
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		down := append(compose, "down", "--volumes", "--timeout=10")
		if err := rig.Run(ctx, nil, down[0], down[1:]...).Err(); err != nil {
			t.Error(err)
		}
	})

	ctx, cancel := context.WithTimeout(t.Context(), rig.BootTimeout)
	defer cancel()
	up := append(compose, "up", "--exit-code-from=tests", "--no-color", "--attach=tests")
	r := rig.Run(ctx, nil, up[0], up[1:]...)
	if err := r.Err(); err != nil || !strings.Contains(r.Stdout, " Ready ") {
		t.Errorf("the tests say %q: %v", r.Stdout, err)
	}
}

// composeCommand is the machine's docker compose, or one that is built now.
func composeCommand(t *testing.T) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	if rig.Docker(ctx, "compose", "version").Code == 0 {
		return []string{"docker", "compose"}
	}
	program := filepath.Join(t.TempDir(), "docker-compose")
	r := rig.Run(ctx, nil, "env", "CGO_ENABLED=0",
		"go", "build", "-C", "../../components/compose", "-trimpath", "-ldflags=-s -w", "-o", program, "github.com/docker/compose/v5/cmd")
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return []string{program}
}
