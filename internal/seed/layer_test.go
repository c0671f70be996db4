package seed

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tarOf is a layer of these.
func tarOf(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for _, h := range headers {
		content := ""
		if h.Typeflag == tar.TypeReg {
			content = "content of " + h.Name
			h.Size = int64(len(content))
		}
		if os.Geteuid() != 0 {
			h.Uid, h.Gid = os.Getuid(), os.Getgid()
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func aLayer(t *testing.T) string {
	t.Helper()
	return tarOf(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "bin/", Mode: 0o750, ModTime: time.Unix(5, 0)},
		tar.Header{Typeflag: tar.TypeReg, Name: "bin/pause", Mode: 0o4755, Uid: 65535, Gid: 65534, ModTime: time.Unix(5, 0)},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "bin/pause"},
	)
}

func unpacked(t *testing.T, layer string) (dir string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "layer.tar")
	put(t, path, layer)
	dir = filepath.Join(t.TempDir(), "fs")
	return dir, unpack(path, dir)
}

func TestALayerIsUnpackedAsItIs(t *testing.T) {
	dir, err := unpacked(t, aLayer(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "link")); got != "content of bin/pause" {
		t.Errorf("the file has %q", got)
	}
	for name, want := range map[string]os.FileMode{"": os.ModeDir | 0o755, "bin": os.ModeDir | 0o750, "bin/pause": os.ModeSetuid | 0o755} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != want {
			t.Errorf("the mode of %q is %v, not %v: %v", name, info.Mode(), want, err)
		}
	}
	if info, _ := os.Stat(filepath.Join(dir, "bin/pause")); !info.ModTime().Equal(time.Unix(5, 0)) {
		t.Errorf("the file was changed at %v", info.ModTime())
	}
	if target, err := os.Readlink(filepath.Join(dir, "link")); target != "bin/pause" {
		t.Errorf("the link leads to %q, and %v", target, err)
	}
}

func TestALayerThatIsNotUnderstoodIsRefused(t *testing.T) {
	for name, layer := range map[string]string{
		"a device":                tarOf(t, tar.Header{Typeflag: tar.TypeChar, Name: "null", Mode: 0o666}),
		"a hard link":             tarOf(t, tar.Header{Typeflag: tar.TypeLink, Name: "a", Linkname: "b"}),
		"a file outside":          tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "../out", Mode: 0o644}),
		"a file by way of a link": tarOf(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "tmp", Linkname: "/tmp"}, tar.Header{Typeflag: tar.TypeReg, Name: "tmp/out", Mode: 0o644}),
		"a file twice":            tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Mode: 0o644}, tar.Header{Typeflag: tar.TypeReg, Name: "a", Mode: 0o644}),
		"no tar":                  strings.Repeat("compressed", 100),
		"half of one":             aLayer(t)[:1030],
	} {
		if _, err := unpacked(t, layer); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func hashOf(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	dir, err := unpacked(t, tarOf(t, headers...))
	if err != nil {
		t.Fatal(err)
	}
	hash, err := treeHash(dir)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestTheHashOfATreeIsThatOfItsContent(t *testing.T) {
	file, link := tar.Header{Typeflag: tar.TypeReg, Name: "a", Mode: 0o644}, tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "a"}
	want := hashOf(t, file, link)
	later := file
	later.ModTime = time.Unix(1000, 0)
	if got := hashOf(t, link, later); got != want {
		t.Error("it changes with the order and the time")
	}
	otherMode, otherName, otherTarget, folder := file, file, link, tar.Header{Typeflag: tar.TypeDir, Name: "d", Mode: 0o755}
	otherMode.Mode, otherName.Name, otherTarget.Linkname = 0o600, "b", "b"
	seen := map[string]bool{want: true}
	for name, headers := range map[string][]tar.Header{
		"another mode": {otherMode, link}, "another name and content": {otherName, link}, "another target": {file, otherTarget},
		"one more": {file, link, folder}, "one less": {file},
	} {
		hash := hashOf(t, headers...)
		if seen[hash] {
			t.Errorf("%s: it is not another", name)
		}
		seen[hash] = true
	}
}

// anImage puts a layout with one layer into a folder of images.
func anImage(t *testing.T, images, name, layer string) {
	t.Helper()
	manifest, err := json.Marshal(map[string]any{"layers": []any{map[string]any{"digest": "sha256:layer-of-" + name}}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{"index.json": "{}", "blobs/sha256/manifest-of-" + name: string(manifest), "blobs/sha256/layer-of-" + name: layer} {
		put(t, filepath.Join(images, name, path), content)
	}
}

func TestASnapshotIsKnownByWhatIsInIt(t *testing.T) {
	images, root, dir := t.TempDir(), t.TempDir(), t.TempDir()
	anImage(t, images, "pause", aLayer(t))
	anImage(t, images, "coredns", tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "coredns", Mode: 0o755}))
	put(t, filepath.Join(root, metadataDir, metadataFile), "images")
	put(t, filepath.Join(root, snapshotsDir, snapshotsFile), "layers")
	for number, name := range map[string]string{"3": "coredns", "7": "pause"} {
		put(t, filepath.Join(root, snapshotsDir, "snapshots", number, "x"), "")
		if err := unpack(filepath.Join(images, name, "blobs/sha256/layer-of-"+name), filepath.Join(root, snapshotsDir, "snapshots", number, "fs")); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := packStore(root, images, t.TempDir(), dir)
	if err != nil || len(packed.Snapshots) != 2 || packed.Snapshots["3"] != "layer-of-coredns" || packed.Snapshots["7"] != "layer-of-pause" {
		t.Errorf("they are %v, and %v", packed, err)
	}
	if got := read(t, filepath.Join(dir, metadataFile)) + read(t, filepath.Join(dir, snapshotsFile)); got != "imageslayers" {
		t.Errorf("the databases are %q", got)
	}

	put(t, filepath.Join(root, snapshotsDir, "snapshots/3/fs/more"), "")
	if _, err := packStore(root, images, t.TempDir(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "snapshot 3") {
		t.Errorf("of another one the error is %v", err)
	}
}
