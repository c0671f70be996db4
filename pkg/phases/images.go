package phases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/lyft/dockernetes/internal/config"
)

// ImageDir holds the images that a boot needs, as archives.
const ImageDir = "/usr/share/dnetinit/images"

// imageNamespace is containerd's namespace of the kubelet's images; dockerd
// uses it too.
const imageNamespace = "k8s.io"

// Images brings the images of ImageDir into containerd's store. Those that are
// there already, from an earlier start, cost one question each.
func Images(c *config.Config) func(context.Context) error {
	return func(ctx context.Context) error {
		archives, err := filepath.Glob(filepath.Join(c.Path(ImageDir), "*.tar"))
		if err != nil {
			return err
		}
		conn, err := dialContainerd()
		if err != nil {
			return err
		}
		defer conn.Close()
		store := imagesapi.NewImagesClient(conn)
		group, ctx := errgroup.WithContext(ctx)
		for _, archive := range archives {
			group.Go(func() error {
				has, err := hasImages(ctx, store, archive)
				if err != nil || has {
					return err
				}
				return importImages(ctx, archive, Snapshotter(c.Host))
			})
		}
		return group.Wait()
	}
}

// hasImages says if the store has every image of the archive under its name.
func hasImages(ctx context.Context, store imagesapi.ImagesClient, archive string) (bool, error) {
	images, err := archivedImages(archive)
	if err != nil {
		return false, err
	}
	ctx = metadata.AppendToOutgoingContext(ctx, "containerd-namespace", imageNamespace)
	for _, image := range images {
		answer, err := store.Get(ctx, &imagesapi.GetImageRequest{Name: image.name})
		switch {
		case status.Code(err) == codes.NotFound:
			return false, nil
		case err != nil:
			return false, fmt.Errorf("cannot ask containerd for the image %s: %w", image.name, err)
		case answer.GetImage().GetTarget().GetDigest() != image.digest:
			return false, nil
		}
	}
	return len(images) > 0, nil
}

// importImages has containerd's own tool read and unpack the archive. The
// label keeps the kubelet from ever deleting the images.
func importImages(ctx context.Context, archive, snapshotter string) error {
	command := exec.CommandContext(ctx, "ctr", "--namespace", imageNamespace, "images", "import",
		"--snapshotter", snapshotter, "--label", "io.cri-containerd.pinned=pinned", archive)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot import %s: %w: %s", archive, errors.Join(ctx.Err(), err), lastLine(string(output)))
	}
	return nil
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// archivedImage is an image as an archive's index names it.
type archivedImage struct{ name, digest string }

// archivedImages reads the index of an OCI archive. It seeks over the layers.
func archivedImages(path string) ([]archivedImage, error) {
	archive, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the images: %w", err)
	}
	defer archive.Close()
	images, err := readIndex(archive)
	if err != nil {
		return nil, fmt.Errorf("cannot read the images of %s: %w", path, err)
	}
	return images, nil
}
