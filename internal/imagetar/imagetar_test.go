package imagetar

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sample() Image {
	return Image{
		Reference:    "example.test/tool:v1",
		Architecture: "amd64",
		Files: []File{
			{Path: "/tool", Mode: 0o755, Data: []byte("binary")},
			{Path: "/etc/ssl/certs/ca.crt", Mode: 0o644, Data: []byte("roots")},
			{Path: "/etc/passwd", Mode: 0o600, Data: nil},
		},
		User:       "1:2",
		Entrypoint: []string{"/tool", "run"},
		Labels:     map[string]string{"a": "b"},
	}
}

func write(t *testing.T, i Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, i); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// entries reads a whole tar: the headers in their order, and the contents.
func entries(t *testing.T, data []byte) ([]*tar.Header, map[string][]byte) {
	t.Helper()
	var headers []*tar.Header
	contents := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		headers = append(headers, h)
		contents[h.Name] = content
	}
}

func decode[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("cannot read %s: %v", data, err)
	}
	return v
}

// content is the blob that a descriptor points to, checked against it.
func content(t *testing.T, files map[string][]byte, d descriptor) []byte {
	t.Helper()
	data, found := files["blobs/"+strings.Replace(d.Digest, ":", "/", 1)]
	if !found {
		t.Fatalf("there is no blob %s", d.Digest)
	}
	if sum := sha256.Sum256(data); "sha256:"+hex.EncodeToString(sum[:]) != d.Digest || len(data) != d.Size {
		t.Errorf("the blob %s of %d bytes is not what its descriptor says (%d bytes)", d.Digest, len(data), d.Size)
	}
	return data
}

func TestTheIndexLeadsToTheManifestTheConfigurationAndTheLayer(t *testing.T) {
	_, files := entries(t, write(t, sample()))
	if got := string(files["oci-layout"]); got != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("oci-layout is %s", got)
	}
	top := decode[index](t, files["index.json"])
	if len(top.Manifests) != 1 {
		t.Fatalf("the index has %d manifests, want 1", len(top.Manifests))
	}
	ref := top.Manifests[0]
	if diff := cmp.Diff(map[string]string{
		"io.containerd.image.name":          "example.test/tool:v1",
		"org.opencontainers.image.ref.name": "v1",
	}, ref.Annotations); diff != "" {
		t.Errorf("the image's names (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&platform{Architecture: "amd64", OS: "linux"}, ref.Platform); diff != "" {
		t.Errorf("platform (-want +got):\n%s", diff)
	}

	m := decode[manifest](t, content(t, files, ref))
	if len(m.Layers) != 1 {
		t.Fatalf("the manifest has %d layers, want 1", len(m.Layers))
	}
	content(t, files, m.Layers[0])

	c := decode[config](t, content(t, files, m.Config))
	if diff := cmp.Diff([]string{m.Layers[0].Digest}, c.RootFS.DiffIDs); diff != "" {
		t.Errorf("diff ids (-want +got):\n%s", diff)
	}
	if c.Config.User != "1:2" || c.Architecture != "amd64" || c.OS != "linux" || c.Config.WorkingDir != "/" {
		t.Errorf("configuration is %+v", c)
	}
	if diff := cmp.Diff([]string{"/tool", "run"}, c.Config.Entrypoint); diff != "" {
		t.Errorf("entry point (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"a": "b"}, c.Config.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestTheLayerHasEachFileAfterItsFoldersInOrder(t *testing.T) {
	var layer bytes.Buffer
	if err := writeLayer(&layer, sample().Files); err != nil {
		t.Fatal(err)
	}
	headers, files := entries(t, layer.Bytes())
	type entry struct {
		Name string
		Mode int64
		Type byte
	}
	var got []entry
	for _, h := range headers {
		got = append(got, entry{h.Name, h.Mode, h.Typeflag})
		if h.Uid != 0 || h.Gid != 0 || !h.ModTime.Equal(epoch) {
			t.Errorf("%s is of %d:%d at %s, want root's at %s", h.Name, h.Uid, h.Gid, h.ModTime, epoch)
		}
	}
	if diff := cmp.Diff([]entry{
		{"etc/", 0o755, tar.TypeDir},
		{"etc/passwd", 0o600, tar.TypeReg},
		{"etc/ssl/", 0o755, tar.TypeDir},
		{"etc/ssl/certs/", 0o755, tar.TypeDir},
		{"etc/ssl/certs/ca.crt", 0o644, tar.TypeReg},
		{"tool", 0o755, tar.TypeReg},
	}, got); diff != "" {
		t.Errorf("the layer (-want +got):\n%s", diff)
	}
	if string(files["tool"]) != "binary" {
		t.Errorf("tool is %q", files["tool"])
	}
}

func TestTheSameImageGivesTheSameBytes(t *testing.T) {
	one, other := sample(), sample()
	other.Files[0], other.Files[2] = other.Files[2], other.Files[0]
	if !bytes.Equal(write(t, one), write(t, other)) {
		t.Error("the order in which files are given changes the image")
	}
	other.Files[0].Data = []byte("changed")
	if bytes.Equal(write(t, one), write(t, other)) {
		t.Error("another content gives the same image")
	}
}

func TestAnImageThatCouldNotBeImportedOrStartedIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Image)
		want   string
	}{
		{"no tag", func(i *Image) { i.Reference = "example.test/tool" }, `"example.test/tool": it is no HOST/NAME:TAG`},
		{"a port is no tag", func(i *Image) { i.Reference = "example.test:5000/tool" }, "it is no HOST/NAME:TAG"},
		{"an empty tag", func(i *Image) { i.Reference = "example.test/tool:" }, "it is no HOST/NAME:TAG"},
		{"no host", func(i *Image) { i.Reference = "tool:v1" }, "it is no HOST/NAME:TAG"},
		{"no architecture", func(i *Image) { i.Architecture = "" }, "no architecture"},
		{"no entry point", func(i *Image) { i.Entrypoint = nil }, "no entry point"},
		{"an entry point that is not there", func(i *Image) { i.Entrypoint = []string{"/other"} }, "/other is none of its files"},
		{"a relative path", func(i *Image) { i.Files[1].Path = "etc/x" }, `"etc/x" into the image example.test/tool:v1: its path is not absolute`},
		{"a path that leads up", func(i *Image) { i.Files[1].Path = "/etc/../../x" }, "not absolute and clean"},
		{"the root", func(i *Image) { i.Files[1].Path = "/" }, "not absolute and clean"},
		{"a file twice", func(i *Image) { i.Files[1].Path = "/tool" }, `"/tool" into the image example.test/tool:v1: it is there twice`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			i := sample()
			test.change(&i)
			var out bytes.Buffer
			err := Write(&out, i)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
			if out.Len() > 0 {
				t.Errorf("%d bytes were written all the same", out.Len())
			}
		})
	}
}

// full is a disk that takes so many bytes.
type full int

func (f *full) Write(p []byte) (int, error) {
	if *f -= full(len(p)); *f < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestAFullDiskIsReportedWithTheImagesName(t *testing.T) {
	for room := range 8 {
		disk := full(room * 512)
		err := Write(&disk, sample())
		if err == nil || !strings.Contains(err.Error(), "cannot write the image example.test/tool:v1: no space left") {
			t.Errorf("with room for %d bytes the error is %v", room*512, err)
		}
	}
}

func TestReadFileNamesWhatItCannotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tool")
	if _, err := ReadFile("/tool", 0o755, path); err == nil || !strings.Contains(err.Error(), "cannot read /tool for the image: open "+path) {
		t.Errorf("error is %v", err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile("/tool", 0o755, path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(File{Path: "/tool", Mode: 0o755, Data: []byte("x")}, got); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
}
