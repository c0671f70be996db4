package seed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// staging is the folder, beside what it becomes, in which a seed is unpacked. A
// boot that crashed may have left one.
const staging = ".seed"

// PlantEtcd makes data, etcd's data directory, one that holds the seed's
// objects. Where etcd has been before, nothing is done, and the result is false.
func (s *Seed) PlantEtcd(data string) (bool, error) {
	planted, err := s.plantEtcd(data)
	if err != nil {
		return false, fmt.Errorf("cannot give etcd its seed in %s: %w", data, err)
	}
	return planted, nil
}

func (s *Seed) plantEtcd(data string) (bool, error) {
	if there(filepath.Join(data, "member")) {
		return false, nil
	}
	stage := filepath.Join(data, staging)
	if err := os.RemoveAll(stage); err != nil {
		return false, err
	}
	// At the same time, so that the disk has to be waited for only once.
	var group errgroup.Group
	for _, f := range s.Etcd.Files {
		group.Go(func() error { return s.stageEtcd(stage, f) })
	}
	if err := group.Wait(); err != nil {
		return false, err
	}
	if err := move(stage, data, "member"); err != nil {
		return false, err
	}
	return true, os.RemoveAll(stage)
}

func (s *Seed) stageEtcd(stage string, f File) error {
	content, err := os.ReadFile(filepath.Join(s.dir, "etcd", f.Path))
	if err != nil {
		return err
	}
	if f.Path == s.Etcd.Database {
		if err := s.Etcd.Patches.apply(content, time.Now()); err != nil {
			return err
		}
	}
	path := filepath.Join(stage, f.Path)
	// etcd wants its folders to be its own.
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return writeSynced(path, content, f.Size)
}

// PlantContainerd makes root, containerd's, a store that has the boot images.
// Their blobs are links to images, the folder of the boot images, and their
// layers are unpacked. Where containerd has been before, nothing is done, and the
// result is false.
func (s *Seed) PlantContainerd(root, images string) (bool, error) {
	planted, err := s.plantContainerd(root, images)
	if err != nil {
		return false, fmt.Errorf("cannot give containerd its seed in %s: %w", root, err)
	}
	return planted, nil
}

func (s *Seed) plantContainerd(root, images string) (bool, error) {
	if there(filepath.Join(root, metadataDir)) {
		return false, nil
	}
	stage := filepath.Join(root, staging)
	parts := []string{contentDir, snapshotsDir, metadataDir} // which says that the others are there, so it is the last
	if there(stage) {
		// A crash: what is there without metadataDir came from the stage.
		for _, dir := range append(parts, staging) {
			if err := os.RemoveAll(filepath.Join(root, dir)); err != nil {
				return false, err
			}
		}
	}
	for _, dir := range parts {
		if there(filepath.Join(root, dir)) {
			return false, nil
		}
	}
	blobs, err := blobsOf(images)
	if err != nil {
		return false, err
	}
	var group errgroup.Group
	group.Go(func() error { return stageContent(filepath.Join(stage, contentDir), blobs) })
	group.Go(func() error { return s.stageSnapshots(filepath.Join(stage, snapshotsDir), blobs) })
	group.Go(func() error { return s.stageFile(metadataFile, filepath.Join(stage, metadataDir), 0o711) })
	if err := group.Wait(); err != nil {
		return false, err
	}
	for _, dir := range parts {
		if err := move(stage, root, dir); err != nil {
			return false, err
		}
	}
	return true, os.RemoveAll(stage)
}

// stageContent makes a content store of links.
func stageContent(dir string, all map[string]string) error {
	blobs := filepath.Join(dir, "blobs", "sha256")
	for _, d := range []string{blobs, filepath.Join(dir, "ingest")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	for name, path := range all {
		if err := os.Symlink(path, filepath.Join(blobs, name)); err != nil {
			return err
		}
	}
	return nil
}

// stageSnapshots makes the store of a snapshotter, with the layers unpacked. As
// by containerd, they are not synced.
func (s *Seed) stageSnapshots(dir string, blobs map[string]string) error {
	if err := s.stageFile(snapshotsFile, dir, 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, "snapshots"), 0o700); err != nil {
		return err
	}
	for number, name := range s.Containerd.Snapshots {
		snapshot := filepath.Join(dir, "snapshots", number)
		if err := os.Mkdir(snapshot, 0o700); err != nil {
			return err
		}
		if err := os.Mkdir(filepath.Join(snapshot, "work"), 0o711); err != nil {
			return err
		}
		if err := unpack(blobs[name], filepath.Join(snapshot, "fs")); err != nil {
			return err
		}
	}
	return nil
}

func (s *Seed) stageFile(name, dir string, mode os.FileMode) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(dir, name), content, int64(len(content))); err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}

// writeSynced writes a file that ends in zeros, which take no place.
func writeSynced(path string, content []byte, size int64) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Truncate(size), file.Sync(), file.Close())
}

// move takes what is whole, and on the disk, out of the stage. If the disk
// forgets it, the next boot does it again.
func move(stage, to, name string) error {
	return os.Rename(filepath.Join(stage, name), filepath.Join(to, name))
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
