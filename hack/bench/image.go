package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/lyft/dockernetes/test/rig"
)

// imageSize measures what the image weighs.
func (b *bench) imageSize(ctx context.Context) error {
	text, err := docker(ctx, "image", "inspect", "--format", "{{.Size}}", rig.Image())
	if err != nil {
		return err
	}
	size, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("cannot read the size of %s: %w", rig.Image(), err)
	}
	b.values.add("image.size", size/1e6)
	say("compressing the image, to see what it weighs")
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	var compressed counted
	zip := gzip.NewWriter(&compressed)
	save := exec.CommandContext(ctx, "docker", "save", rig.Image())
	save.Stdout, save.Stderr = zip, os.Stderr
	if err := save.Run(); err != nil {
		return fmt.Errorf("cannot save %s: %w", rig.Image(), err)
	}
	if err := zip.Close(); err != nil {
		return err
	}
	b.values.add("image.gzip", float64(compressed)/1e6)
	return nil
}

// counted is a writer that only counts bytes.
type counted int64

func (c *counted) Write(p []byte) (int, error) {
	*c += counted(len(p))
	return len(p), nil
}

var _ io.Writer = (*counted)(nil)

// loadAverage is that of the last minute, in the kernel's words.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
