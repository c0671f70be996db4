package seed

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// aSeed is a seed on disk, with the folder of the images that go with it.
func aSeed(t *testing.T) (s *Seed, images string) {
	t.Helper()
	dir, images := t.TempDir(), t.TempDir()
	put(t, filepath.Join(dir, "etcd/member/snap/db"), "uid="+setUID+";")
	put(t, filepath.Join(dir, "etcd/member/wal/0.wal"), "log")
	put(t, filepath.Join(dir, metadataFile), "images")
	put(t, filepath.Join(dir, snapshotsFile), "layers")
	put(t, filepath.Join(images, "pause/index.json"), "{}")
	put(t, filepath.Join(images, "pause/blobs/sha256/aa"), "blob")
	put(t, filepath.Join(images, "pause/blobs/sha256/bb"), aLayer(t))
	text, err := json.Marshal(Manifest{
		Facts: FactsOf(load(t, "")),
		Etcd: Etcd{
			Files:    []File{{"member/snap/db", 1 << 20}, {"member/wal/0.wal", 64 << 20}},
			Database: "member/snap/db", Patches: Patches{UIDs: [][]int64{{4}}},
		},
		Containerd: Containerd{Snapshots: map[string]string{"1": "bb"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, manifestFile), string(text))
	s, err = Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, images
}

func TestWithoutASeedTheErrorSaysSo(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error is %v", err)
	}
	put(t, filepath.Join(dir, manifestFile), "{")
	if _, err := Open(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a broken one the error is %v", err)
	}
}

func TestASeedFitsTheConfigurationThatItWasMadeFor(t *testing.T) {
	s, _ := aSeed(t)
	if why := s.Unfit(load(t, "")); why != "" {
		t.Errorf("it differs in %s", why)
	}
	if why := s.Unfit(load(t, cluster+"networking: {dnsDomain: other}")); why == "" {
		t.Error("it fits another")
	}
}

func TestEtcdGetsItsFilesInFullSize(t *testing.T) {
	s, _ := aSeed(t)
	data := t.TempDir()
	if planted, err := s.PlantEtcd(data); !planted || err != nil {
		t.Fatalf("planted: %v, and %v", planted, err)
	}
	database := strings.TrimRight(read(t, filepath.Join(data, "member/snap/db")), "\x00")
	if len(database) != len("uid=;")+lengthOfUID || database == "uid="+setUID+";" {
		t.Errorf("the database is %q", database)
	}
	for path, size := range map[string]int64{"member/snap/db": 1 << 20, "member/wal/0.wal": 64 << 20} {
		info, err := os.Stat(filepath.Join(data, path))
		if err != nil || info.Size() != size || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, and %v", path, info, err)
		}
	}
	if info, err := os.Stat(filepath.Join(data, "member")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its folder is %v, and %v", info, err)
	}
	if entries, _ := os.ReadDir(data); len(entries) != 1 {
		t.Errorf("left over: %v", entries)
	}
}

func TestAnEtcdThatHasBegunIsLeftAlone(t *testing.T) {
	s, _ := aSeed(t)
	data := t.TempDir()
	put(t, filepath.Join(data, "member/snap/db"), "of the user")
	if planted, err := s.PlantEtcd(data); planted || err != nil {
		t.Errorf("planted: %v, and %v", planted, err)
	}
	if got := read(t, filepath.Join(data, "member/snap/db")); got != "of the user" {
		t.Errorf("it has %q", got)
	}
}

func TestAPlantingThatWasCutOffIsBegunAnew(t *testing.T) {
	s, images := aSeed(t)
	data, root := t.TempDir(), t.TempDir()
	put(t, filepath.Join(data, staging, "member/snap/db"), "half")
	if planted, err := s.PlantEtcd(data); !planted || err != nil {
		t.Errorf("etcd: planted: %v, and %v", planted, err)
	}
	if bytes.Contains([]byte(read(t, filepath.Join(data, "member/snap/db"))), []byte("half")) {
		t.Error("etcd has half of a database")
	}

	put(t, filepath.Join(root, staging, metadataDir, metadataFile), "half")
	put(t, filepath.Join(root, contentDir, "blobs/sha256/aa"), "half")
	if planted, err := s.PlantContainerd(root, images); !planted || err != nil {
		t.Errorf("containerd: planted: %v, and %v", planted, err)
	}
	for path, want := range map[string]string{metadataDir + "/" + metadataFile: "images", contentDir + "/blobs/sha256/aa": "blob"} {
		if got := read(t, filepath.Join(root, path)); got != want {
			t.Errorf("%s is %q, not %q", path, got, want)
		}
	}
	if there(filepath.Join(root, staging)) {
		t.Error("the stage is still there")
	}
}

func TestContainerdsStoreHasLinksToTheBlobsAndTheLayersUnpacked(t *testing.T) {
	s, images := aSeed(t)
	root := t.TempDir()
	if planted, err := s.PlantContainerd(root, images); !planted || err != nil {
		t.Fatalf("planted: %v, and %v", planted, err)
	}
	for path, want := range map[string]string{
		metadataDir + "/" + metadataFile:           "images",
		snapshotsDir + "/" + snapshotsFile:         "layers",
		contentDir + "/blobs/sha256/aa":            "blob",
		snapshotsDir + "/snapshots/1/fs/bin/pause": "content of bin/pause",
	} {
		if got := read(t, filepath.Join(root, path)); got != want {
			t.Errorf("%s is %q, not %q", path, got, want)
		}
	}
	for path, want := range map[string]string{
		contentDir + "/blobs/sha256/aa": filepath.Join(images, "pause/blobs/sha256/aa"),
	} {
		if got, err := os.Readlink(filepath.Join(root, path)); got != want {
			t.Errorf("%s leads to %q, and %v", path, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(root, contentDir, "ingest")); err != nil || !info.IsDir() {
		t.Errorf("the place for what is written next: %v", err)
	}
	if planted, err := s.PlantContainerd(root, images); planted || err != nil {
		t.Errorf("a second time: planted: %v, and %v", planted, err)
	}
}

func TestAContainerdThatHasBegunIsLeftAlone(t *testing.T) {
	s, images := aSeed(t)
	for _, path := range []string{metadataDir + "/" + metadataFile, contentDir + "/blobs/sha256/bb"} {
		root := t.TempDir()
		put(t, filepath.Join(root, path), "of the user")
		if planted, err := s.PlantContainerd(root, images); planted || err != nil {
			t.Errorf("with %s: planted: %v, and %v", path, planted, err)
		}
		if got := read(t, filepath.Join(root, path)); got != "of the user" {
			t.Errorf("%s is %q", path, got)
		}
		if entries, _ := os.ReadDir(root); len(entries) != 1 {
			t.Errorf("with %s there is more: %v", path, entries)
		}
	}
}

func TestASeedThatLacksAPartIsAnErrorAndPlantsNothing(t *testing.T) {
	for _, part := range []string{"etcd/member/wal/0.wal", metadataFile, "pause/blobs/sha256/bb"} {
		s, images := aSeed(t)
		if err := errors.Join(os.RemoveAll(filepath.Join(s.dir, part)), os.RemoveAll(filepath.Join(images, part))); err != nil {
			t.Fatal(err)
		}
		data, root := t.TempDir(), t.TempDir()
		_, etcd := s.PlantEtcd(data)
		_, containerd := s.PlantContainerd(root, images)
		if (etcd == nil) == (containerd == nil) {
			t.Errorf("without %s: %v and %v", part, etcd, containerd)
		}
		if etcd != nil && there(filepath.Join(data, "member")) || containerd != nil && there(filepath.Join(root, metadataDir)) {
			t.Errorf("without %s something is there", part)
		}
	}
}
