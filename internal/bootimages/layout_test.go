package bootimages

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// layoutIn makes a layout of two blobs in a folder of dir, and returns it.
func layoutIn(t *testing.T, dir, name string) Layout {
	t.Helper()
	for path, content := range map[string]string{
		"oci-layout":      `{"imageLayoutVersion":"1.0.0"}`,
		"blobs/sha256/aa": "manifest", "blobs/sha256/bb": "layer",
		"index.json": `{"manifests": [
			{"digest": "sha256:aa", "annotations": {"io.containerd.image.name": "dockernetes.dev/` + name + `:1"}}, {"digest": "sha256:cc"}]}`,
	} {
		path = filepath.Join(dir, name, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return Layout{Dir: filepath.Join(dir, name), Images: []Image{{"dockernetes.dev/" + name + ":1", "sha256:aa"}}}
}

func TestEachFolderIsALayoutWhoseIndexNamesItsImages(t *testing.T) {
	dir := t.TempDir()
	layoutIn(t, dir, "pause")
	layoutIn(t, dir, "coredns")
	got, err := Find(dir)
	if err != nil || len(got) != 2 || len(got[0].Images) != 1 || got[0].Images[0] != (Image{"dockernetes.dev/coredns:1", "sha256:aa"}) {
		t.Errorf("found %v and %v", got, err)
	}
	if got, err := Find(filepath.Join(dir, "none")); len(got) != 0 || err != nil {
		t.Errorf("in a folder that is not there: %v and %v", got, err)
	}
}

func TestABrokenIndexIsNamed(t *testing.T) {
	dir := t.TempDir()
	l := layoutIn(t, dir, "pause")
	path := filepath.Join(l.Dir, "index.json")
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
}

func TestBlobsHaveTheirDigestsForNames(t *testing.T) {
	l := layoutIn(t, t.TempDir(), "pause")
	blobs, err := l.Blobs()
	if err != nil || len(blobs) != 2 || blobs["bb"] != filepath.Join(l.Dir, "blobs/sha256/bb") {
		t.Errorf("they are %v, and %v", blobs, err)
	}
}

// contents are the files of an archive.
func contents(t *testing.T, archive io.Reader) map[string]string {
	t.Helper()
	files := map[string]string{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(content)
	}
}

func TestAnArchiveHasAllOfALayout(t *testing.T) {
	l := layoutIn(t, t.TempDir(), "pause")
	var archive bytes.Buffer
	if err := l.WriteTar(&archive); err != nil {
		t.Fatal(err)
	}
	files := contents(t, &archive)
	if len(files) != 4 || files["blobs/sha256/bb"] != "layer" || !strings.Contains(files["index.json"], "dockernetes.dev/pause:1") {
		t.Errorf("it has %v", files)
	}
}

// fakeCtr puts a ctr into the PATH that is this script.
func fakeCtr(t *testing.T, script string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ctr"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

func TestAnImportGivesTheArchiveToContainerdsOwnTool(t *testing.T) {
	l := layoutIn(t, t.TempDir(), "pause")
	dir := fakeCtr(t, `echo "$@" > "$(dirname "$0")/args"; cat > "$(dirname "$0")/archive"`)
	if err := (Store{Address: "/run/some.sock", Snapshotter: "native"}).Import(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	args, _ := os.ReadFile(filepath.Join(dir, "args"))
	for _, want := range []string{"--address /run/some.sock", "--namespace k8s.io", "--snapshotter native", "io.cri-containerd.pinned=pinned"} {
		if !strings.Contains(string(args), want) {
			t.Errorf("its arguments are %s, without %s", args, want)
		}
	}
	archive, err := os.Open(filepath.Join(dir, "archive"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if files := contents(t, archive); files["blobs/sha256/aa"] != "manifest" {
		t.Errorf("the archive has %v", files)
	}
}

func TestAnImportThatFailsSaysWhy(t *testing.T) {
	l := layoutIn(t, t.TempDir(), "pause")
	fakeCtr(t, "echo connecting; echo 'no space left' >&2; exit 3")
	err := Store{Address: "/run/some.sock", Snapshotter: "native"}.Import(t.Context(), l)
	if err == nil || !strings.Contains(err.Error(), l.Dir) || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("the error is %v", err)
	}
}

func TestAnImportOfWhatCannotBeReadFails(t *testing.T) {
	l := layoutIn(t, t.TempDir(), "pause")
	fakeCtr(t, "cat > /dev/null")
	l.Dir = filepath.Join(l.Dir, "gone")
	if err := (Store{}).Import(t.Context(), l); err == nil || !strings.Contains(err.Error(), l.Dir) {
		t.Errorf("the error is %v", err)
	}
}
