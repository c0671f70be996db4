package seed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	versionapi "github.com/containerd/containerd/api/services/version/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lyft/dockernetes/internal/bootimages"
)

// Snapshotter is the one of containerd's that a seed is for.
const Snapshotter = "overlayfs"

// The files and folders of containerd's root that are in a seed.
const (
	contentDir    = "io.containerd.content.v1.content"
	snapshotsDir  = "io.containerd.snapshotter.v1." + Snapshotter
	metadataDir   = "io.containerd.metadata.v1.bolt"
	metadataFile  = "meta.db"     // in metadataDir: images, content, leases
	snapshotsFile = "metadata.db" // in snapshotsDir: which snapshots there are
)

// makerConfig is of the containerd that makes the seed: only what an import
// needs, beside the cluster's own.
const makerConfig = `version = 3
root = %q
state = %q
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]
[grpc]
  address = %q
[ttrpc]
  address = %q
[plugins."io.containerd.internal.v1.opt"]
  path = %q
`

// saveContainerd imports the images in a containerd of its own and takes what
// that knows of them. The blobs are in the image already, and the layers are
// unpacked from these again by each cluster.
func saveContainerd(ctx context.Context, images, work, dir string) (Containerd, error) {
	layouts, err := bootimages.Find(images)
	if err != nil {
		return Containerd{}, err
	}
	at := func(name string) string { return filepath.Join(work, name) }
	root, socket := at("containerd"), at("containerd.sock")
	config := fmt.Sprintf(makerConfig, root, at("containerd.state"), socket, socket+".ttrpc", at("opt"))
	if err := os.Mkdir(at("layers"), 0o700); err != nil {
		return Containerd{}, fmt.Errorf("cannot make a folder for the layers: %w", err)
	}
	if err := os.WriteFile(at("containerd.toml"), []byte(config), 0o644); err != nil {
		return Containerd{}, fmt.Errorf("cannot write the configuration of the seed's containerd: %w", err)
	}
	containerd, err := startChild(ctx, "containerd", "--config", at("containerd.toml"), "--log-level", "error")
	if err != nil {
		return Containerd{}, err
	}
	imported := importAll(ctx, layouts, socket)
	if err := containerd.stop(imported); err != nil {
		return Containerd{}, err
	}
	return packStore(root, images, at("layers"), dir)
}

func importAll(ctx context.Context, layouts []bootimages.Layout, socket string) error {
	const patience = time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("cannot connect to the seed's containerd: %w", err)
	}
	defer conn.Close()
	if _, err := versionapi.NewVersionClient(conn).Version(ctx, &emptypb.Empty{}, grpc.WaitForReady(true)); err != nil {
		return fmt.Errorf("the seed's containerd does not answer: %w", err)
	}
	store := bootimages.Store{Address: socket, Snapshotter: Snapshotter}
	for _, l := range layouts {
		if err := store.Import(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// packStore copies the databases to dir and finds out which layer each snapshot
// is. As what containerd has unpacked is compared with what unpack does, that
// is known to be the same.
func packStore(root, images, work, dir string) (Containerd, error) {
	packed := Containerd{Snapshots: map[string]string{}}
	for _, path := range []string{filepath.Join(metadataDir, metadataFile), filepath.Join(snapshotsDir, snapshotsFile)} {
		content, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return packed, fmt.Errorf("cannot read what containerd has written: %w", err)
		}
		if err := writeSynced(filepath.Join(dir, filepath.Base(path)), content, int64(len(content))); err != nil {
			return packed, fmt.Errorf("cannot write the seed: %w", err)
		}
	}
	layers, err := layersOf(images, work)
	if err != nil {
		return packed, err
	}
	snapshots := filepath.Join(root, snapshotsDir, "snapshots")
	numbers, err := os.ReadDir(snapshots)
	if err != nil {
		return packed, fmt.Errorf("cannot list the snapshots: %w", err)
	}
	for _, n := range numbers {
		content, err := treeHash(filepath.Join(snapshots, n.Name(), "fs"))
		if err != nil {
			return packed, err
		}
		layer, known := layers[content]
		if !known {
			return packed, fmt.Errorf("cannot make a seed: containerd's snapshot %s is none of the layers of %s", n.Name(), images)
		}
		packed.Snapshots[n.Name()] = layer
	}
	return packed, nil
}
