package phases

import (
	"context"
	"strings"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/internal/config"
	"github.com/lyft/dockernetes/internal/imageguard"
)

// ImageGuard keeps `docker system prune` from taking the images that the boot
// and the pods need, from now until undo.
func ImageGuard(c *config.Config, log *zap.Logger) (run, undo func(context.Context) error) {
	guard := imageguard.New(strings.TrimPrefix(containerdSocket, "unix://"), func(ref string) bool {
		return ref == config.PauseImage || strings.HasPrefix(ref, c.Init.DNS.ImageRepository+"/")
	}, log)
	var stop context.CancelFunc
	ended := make(chan struct{})
	run = func(context.Context) error {
		if stop != nil {
			return nil // it runs already
		}
		var guarding context.Context
		guarding, stop = context.WithCancel(context.Background())
		go func() {
			defer close(ended)
			if err := guard.Run(guarding); err != nil {
				log.Error("the images are not guarded any more", zap.Error(err))
			}
		}()
		return nil
	}
	undo = func(ctx context.Context) error {
		stop()
		select {
		case <-ended:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return run, undo
}
