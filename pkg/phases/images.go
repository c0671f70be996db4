package phases

import (
	"context"
	"fmt"
	"strings"

	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/lyft/dockernetes/internal/bootimages"
	"github.com/lyft/dockernetes/internal/config"
)

// Images brings the images that a boot needs into containerd's store. Those
// that are there already, from the seed or an earlier start, cost one question
// each.
func Images(c *config.Config) func(context.Context) error {
	return func(ctx context.Context) error {
		layouts, err := bootimages.Find(c.Path(bootimages.Dir))
		if err != nil {
			return err
		}
		conn, err := dialContainerd()
		if err != nil {
			return err
		}
		defer conn.Close()
		images := imagesapi.NewImagesClient(conn)
		store := bootimages.Store{Address: strings.TrimPrefix(containerdSocket, "unix://"), Snapshotter: Snapshotter(c.Host)}
		group, ctx := errgroup.WithContext(ctx)
		for _, layout := range layouts {
			group.Go(func() error {
				has, err := hasImages(ctx, images, layout)
				if err != nil || has {
					return err
				}
				return store.Import(ctx, layout)
			})
		}
		return group.Wait()
	}
}

// hasImages says if the store has every image of the layout under its name.
func hasImages(ctx context.Context, store imagesapi.ImagesClient, layout bootimages.Layout) (bool, error) {
	ctx = metadata.AppendToOutgoingContext(ctx, "containerd-namespace", bootimages.Namespace)
	for _, image := range layout.Images {
		answer, err := store.Get(ctx, &imagesapi.GetImageRequest{Name: image.Reference})
		switch {
		case status.Code(err) == codes.NotFound:
			return false, nil
		case err != nil:
			return false, fmt.Errorf("cannot ask containerd for the image %s: %w", image.Reference, err)
		case answer.GetImage().GetTarget().GetDigest() != image.Digest:
			return false, nil
		}
	}
	return len(layout.Images) > 0, nil
}
