package imageguard

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	contentapi "github.com/containerd/containerd/api/services/content/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	leasesapi "github.com/containerd/containerd/api/services/leases/v1"
	"github.com/containerd/containerd/api/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
)

// containerd is a real one, with nothing but its stores, and the test's own client of it.
type containerd struct {
	t      *testing.T
	binary string
	dir    string
	socket string
	client store
	stop   func()
}

// startContainerd skips the test where there is no containerd binary, or no right to run it.
func startContainerd(t *testing.T) *containerd {
	t.Helper()
	binary := findContainerd(t)
	if os.Geteuid() != 0 {
		t.Skip("containerd wants to be root")
	}
	// Not t.TempDir: the path of a Unix socket is limited to 107 bytes.
	dir, err := os.MkdirTemp("", "guard")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := &containerd{t: t, binary: binary, dir: dir, socket: filepath.Join(dir, "c.sock")}
	config := fmt.Sprintf(`version = 3
root = "%[1]s/root"
state = "%[1]s/state"
disabled_plugins = [
  "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri",
  "io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = "%[2]s"
[ttrpc]
  address = "%[1]s/t.sock"
`, dir, c.socket)
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("unix://"+c.socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{
			BaseDelay: 10 * time.Millisecond, Multiplier: 1.2, MaxDelay: 100 * time.Millisecond,
		}, MinConnectTimeout: time.Second}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c.client = newStore(conn)
	c.start()
	t.Cleanup(func() { c.stop() })
	return c
}

func findContainerd(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("containerd"); err == nil {
		return path
	}
	for _, pattern := range []string{"../../.build/containerd", "../../.build/*/containerd"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Skip("there is no containerd, neither on PATH nor in .build")
	return ""
}

func (c *containerd) start() {
	c.t.Helper()
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(c.binary, "--config", filepath.Join(c.dir, "config.toml"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.stop = func() {
		c.stop = func() {}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if c.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			c.t.Logf("containerd said:\n%s", text)
		}
	}
	c.wait("containerd is up", func() bool {
		_, err := c.client.listImages(c.ctx())
		return err == nil
	})
}

func (c *containerd) ctx() context.Context {
	return metadata.AppendToOutgoingContext(c.t.Context(), "containerd-namespace", namespace)
}

// wait fails the test if the condition does not come true.
func (c *containerd) wait(what string, condition func() bool) {
	c.t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-ticker.C:
		case <-timeout:
			c.t.Fatalf("not after 30s: %s", what)
		}
	}
}

// blob writes content and returns its digest. It refers to others by digest, as the garbage collector sees it.
func (c *containerd) blob(ctx context.Context, text string, refs ...string) string {
	c.t.Helper()
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text)))
	labels := map[string]string{}
	for i, ref := range refs {
		labels[fmt.Sprintf("containerd.io/gc.ref.content.%d", i)] = ref
	}
	stream, err := c.client.content.Write(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	err = stream.Send(&contentapi.WriteContentRequest{
		Action: contentapi.WriteAction_COMMIT, Ref: digest, Total: int64(len(text)), Expected: digest,
		Data: []byte(text), Labels: labels,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		c.t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		c.t.Fatal(err)
	}
	return digest
}

// image makes an image of two blobs, recorded under each of the names, and returns their digests.
func (c *containerd) image(text string, names ...string) (manifest, layer string) {
	c.t.Helper()
	// A lease of the test's own spans the moment when the content has no record yet.
	lease, err := c.client.leases.Create(c.ctx(), &leasesapi.CreateRequest{ID: "test"})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(c.ctx(), "containerd-lease", lease.GetLease().GetID())
	layer = c.blob(ctx, "layer of "+text)
	manifest = c.blob(ctx, "manifest of "+text, layer)
	for _, name := range names {
		c.create(name, manifest)
	}
	if _, err := c.client.leases.Delete(c.ctx(), &leasesapi.DeleteRequest{ID: "test"}); err != nil {
		c.t.Fatal(err)
	}
	return manifest, layer
}

func (c *containerd) create(name, manifest string) {
	c.t.Helper()
	_, err := c.client.images.Create(c.ctx(), &imagesapi.CreateImageRequest{Image: &imagesapi.Image{
		Name:   name,
		Labels: map[string]string{"io.cri-containerd.image": "managed", "io.cri-containerd.pinned": "pinned"},
		Target: c.descriptor(manifest),
	}})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *containerd) descriptor(manifest string) *types.Descriptor {
	return &types.Descriptor{
		MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: manifest, Size: 1,
		Annotations: map[string]string{"org.opencontainers.image.ref.name": "x"},
	}
}

// container makes the record of one; user is the image as the pod names it, none for a sandbox.
func (c *containerd) container(id, image, user string) {
	c.t.Helper()
	spec := "{}"
	if user != "" {
		spec = fmt.Sprintf(`{"annotations":{%q:%q}}`, imageAnnotation, user)
	}
	_, err := c.client.containers.Create(c.ctx(), &containersapi.CreateContainerRequest{
		Container: &containersapi.Container{
			ID: id, Image: image, Labels: map[string]string{kindLabel: "container"},
			Runtime: &containersapi.Container_Runtime{Name: "io.containerd.runc.v2"},
			Spec:    &anypb.Any{TypeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", Value: []byte(spec)},
		},
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// delete removes a record like `docker image prune`, with the garbage collection that this ends in.
func (c *containerd) delete(name string) {
	c.t.Helper()
	_, err := c.client.images.Delete(c.ctx(), &imagesapi.DeleteImageRequest{Name: name, Sync: true})
	if err != nil {
		c.t.Fatal(err)
	}
}

// get returns the record, nil if there is none.
func (c *containerd) get(name string) *imagesapi.Image {
	c.t.Helper()
	record, err := c.client.getImage(c.ctx(), name)
	if err != nil {
		c.t.Fatal(err)
	}
	return record
}

func (c *containerd) hasContent(digest string) bool {
	c.t.Helper()
	_, err := c.client.content.Info(c.ctx(), &contentapi.InfoRequest{Digest: digest})
	if err != nil && status.Code(err) != codes.NotFound {
		c.t.Fatal(err)
	}
	return err == nil
}

// waitLease waits until the guard's lease holds these digests and no others.
func (c *containerd) waitLease(digests ...string) {
	c.t.Helper()
	c.wait("the lease holds "+strings.Join(digests, " "), func() bool {
		reply, err := c.client.leases.ListResources(c.ctx(), &leasesapi.ListResourcesRequest{ID: leaseID})
		if err != nil {
			return false
		}
		held := map[string]bool{}
		for _, r := range reply.GetResources() {
			held[r.GetID()] = true
		}
		for _, digest := range digests {
			if !held[digest] {
				return false
			}
		}
		return len(held) == len(digests)
	})
}
