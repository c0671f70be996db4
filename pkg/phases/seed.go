package phases

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/internal/bootimages"
	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/internal/seed"
)

// containerdRoot is where containerd keeps its state.
const containerdRoot = "/var/lib/containerd"

// Seed gives etcd and containerd what the image has for them, unless they have
// begun already. Where it does not fit, they begin with nothing, and the other
// phases do the rest.
func Seed(c *config.Config, log *zap.Logger) func(context.Context) error {
	return func(context.Context) error {
		s, err := seed.Open(c.Path(seed.Dir))
		if errors.Is(err, fs.ErrNotExist) {
			log.Info("the image has no seed: the cluster is made from nothing")
			return nil
		}
		if err != nil {
			return err
		}
		var group errgroup.Group
		group.Go(func() error { return plantEtcd(c, s, log) })
		group.Go(func() error { return plantContainerd(c, s, log) })
		return group.Wait()
	}
}

func plantEtcd(c *config.Config, s *seed.Seed, log *zap.Logger) error {
	if c.Init.Etcd.Local == nil {
		return nil
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

func plantContainerd(c *config.Config, s *seed.Seed, log *zap.Logger) error {
	root := c.Path(containerdRoot)
	if err := os.MkdirAll(root, 0o711); err != nil {
		return fmt.Errorf("cannot make containerd's folder: %w", err)
	}
	if Snapshotter(c.Host) != "overlayfs" {
		return nil
	}
	if err := stacks(c.Path(seed.Dir), root); err != nil {
		log.Info("the image's unpacked layers can't be used here: the boot's images are imported", zap.Error(err))
		return nil
	}
	planted, err := s.PlantContainerd(root, c.Path(bootimages.Dir))
	if err == nil {
		log.Debug("containerd's seed", zap.Bool("planted", planted))
	}
	return err
}

// stacks tries whether an overlay can lie on layers in lower, which is mostly
// on the container's own overlay: the kernel allows one more level. There is no
// upper layer, as unmounting would then write all of the disk's caches.
func stacks(lower, scratch string) error {
	dir, err := os.MkdirTemp(scratch, ".overlay-")
	if err != nil {
		return fmt.Errorf("cannot try an overlay: %w", err)
	}
	defer os.RemoveAll(dir)
	other, merged := filepath.Join(dir, "other"), filepath.Join(dir, "merged")
	if err := errors.Join(os.Mkdir(other, 0o700), os.Mkdir(merged, 0o700)); err != nil {
		return fmt.Errorf("cannot try an overlay: %w", err)
	}
	if err := unix.Mount("overlay", merged, "overlay", unix.MS_RDONLY, "lowerdir="+lower+":"+other); err != nil {
		return fmt.Errorf("cannot mount an overlay on %s: %w", lower, err)
	}
	return unix.Unmount(merged, unix.MNT_DETACH)
}
