package main

import (
	"context"
	"os"

	"github.com/lyft/dockernetes/internal/bootimages"
	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/internal/seed"
)

// saveSeed makes a seed in dir, of the cluster that this container has been
// booted to by the configuration at path.
func saveSeed(ctx context.Context, path, dir string) error {
	host, err := config.Detect(ctx)
	if err != nil {
		return err
	}
	c, err := config.Load(path, os.Getenv, host)
	if err != nil {
		return err
	}
	return seed.Save(ctx, c, bootimages.Dir, dir)
}
