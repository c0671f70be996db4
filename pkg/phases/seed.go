package phases

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/bootimages"
	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/internal/seed"
)

// containerdRoot is where containerd keeps its state.
const containerdRoot = "/var/lib/containerd"

// EtcdSeed gives etcd what the image has for it, unless it has begun already.
// Where that does not fit, etcd begins with nothing, and the other phases and
// Kubernetes itself make the objects.
func EtcdSeed(c *config.Config, log *zap.Logger) func(context.Context) error {
	return func(context.Context) error {
		s, err := openSeed(c, log)
		if s == nil || err != nil {
			return err
		}
		if why := s.Unfit(c); why != "" {
			log.Info("the image's seed is for another configuration: the cluster's objects are made from nothing", zap.String("other", why))
			return nil
		}
		planted, err := s.PlantEtcd(c.Path(c.Init.Etcd.Local.DataDir))
		if err == nil {
			log.Debug("etcd's seed", zap.Bool("planted", planted))
		}
		return err
	}
}

// ContainerdSeed gives containerd the boot's images, unless it has begun
// already. Where its snapshotter is another, the phase images imports them.
func ContainerdSeed(c *config.Config, log *zap.Logger) func(context.Context) error {
	return func(context.Context) error {
		s, err := openSeed(c, log)
		if s == nil || err != nil || Snapshotter(c.Host) != seed.Snapshotter {
			return err
		}
		root := c.Path(containerdRoot)
		if err := os.MkdirAll(root, 0o711); err != nil {
			return fmt.Errorf("cannot make containerd's folder: %w", err)
		}
		planted, err := s.PlantContainerd(root, c.Path(bootimages.Dir))
		if err == nil {
			log.Debug("containerd's seed", zap.Bool("planted", planted))
		}
		return err
	}
}

// openSeed returns the image's seed, or nil if it was built without.
func openSeed(c *config.Config, log *zap.Logger) (*seed.Seed, error) {
	s, err := seed.Open(c.Path(seed.Dir))
	if errors.Is(err, fs.ErrNotExist) {
		log.Info("the image has no seed: all is made from nothing")
		return nil, nil
	}
	return s, err
}
