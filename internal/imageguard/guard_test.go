package imageguard

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	leasesapi "github.com/containerd/containerd/api/services/leases/v1"
	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"
	"google.golang.org/protobuf/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startGuard runs a guard that takes isBoot's image for the boot's. Tags settle soon in it, unless told otherwise.
func startGuard(c *containerd, settle time.Duration) {
	c.t.Helper()
	g := New(c.socket, isBoot, zaptest.NewLogger(c.t))
	g.inventory.settle = settle
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- g.Run(ctx) }()
	c.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			c.t.Errorf("Run returned %v", err)
		}
	})
}

const soon = 10 * time.Millisecond

// waitBack waits until the deleted record is back, and checks that it is as it was.
func (c *containerd) waitBack(want *imagesapi.Image) {
	c.t.Helper()
	var got *imagesapi.Image
	c.wait(want.GetName()+" is back", func() bool {
		got = c.get(want.GetName())
		return got != nil
	})
	// The time of the last change is containerd's to set.
	got.UpdatedAt, want.UpdatedAt = nil, nil
	if !proto.Equal(got, want) {
		c.t.Errorf("the record came back as\n%v\nand was\n%v", got, want)
	}
}

func TestGuardRestoresABootImageAsItWasWithItsContent(t *testing.T) {
	c := startContainerd(t)
	manifest, layer := c.image("boot", boot)
	before := c.get(boot)
	startGuard(c, time.Hour)
	c.waitLease(manifest)

	for range 3 {
		c.delete(boot)
		c.waitBack(before)
		if !c.hasContent(manifest) || !c.hasContent(layer) {
			t.Fatal("the content is gone")
		}
	}
}

func TestGuardKeepsWhatPodsUseUntilTheyAreGone(t *testing.T) {
	c := startContainerd(t)
	startGuard(c, soon)
	manifest, layer := c.image("app", app, alias)
	c.image("boot", boot)
	c.container("c1", alias, "app:dev")
	bootManifest := c.get(boot).GetTarget().GetDigest()
	c.waitLease(bootManifest, manifest)

	before := c.get(app)
	c.delete(alias)
	c.delete(app)
	c.waitBack(before)
	if c.get(alias) != nil {
		t.Error("a name that no pod uses came back")
	}
	if !c.hasContent(layer) {
		t.Error("the content is gone")
	}

	if _, err := c.client.containers.Delete(c.ctx(), &containersapi.DeleteContainerRequest{ID: "c1"}); err != nil {
		t.Fatal(err)
	}
	c.waitLease(bootManifest)
	c.delete(app)
	if c.hasContent(manifest) || c.hasContent(layer) {
		t.Error("the content of an image that is no longer used stays")
	}
}

func TestGuardLetsUnusedImagesGo(t *testing.T) {
	c := startContainerd(t)
	manifest, layer := c.image("app", app)
	bootManifest, _ := c.image("boot", boot)
	startGuard(c, soon)
	c.waitLease(bootManifest)

	c.delete(app)
	if c.hasContent(manifest) || c.hasContent(layer) {
		t.Error("the content of an unused image stays")
	}
	// Events come in order: when the boot image is back, the guard has seen the other deletion as well.
	record := c.get(boot)
	c.delete(boot)
	c.waitBack(record)
	if c.get(app) != nil {
		t.Error("an unused image came back")
	}
}

func TestGuardDoesNotFightATagThatMoves(t *testing.T) {
	c := startContainerd(t)
	older, _ := c.image("older", app)
	newer, _ := c.image("newer", alias)
	c.container("c1", app, app)
	startGuard(c, time.Hour)
	c.waitLease(older)

	c.delete(app)
	c.create(app, newer)
	c.waitLease(newer)
	if got := c.get(app).GetTarget().GetDigest(); got != newer {
		t.Errorf("%s is %s, want the newer image %s", app, got, newer)
	}
}

func TestGuardStartsWhileImagesComeAndGo(t *testing.T) {
	c := startContainerd(t)
	manifest, _ := c.image("app", app)
	bootManifest, _ := c.image("boot", boot)
	ctx, stop := context.WithCancel(c.ctx())
	churned := make(chan int)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			record := &imagesapi.Image{Name: alias, Target: c.descriptor(manifest)}
			_, _ = c.client.images.Create(ctx, &imagesapi.CreateImageRequest{Image: record})
			_, _ = c.client.images.Delete(ctx, &imagesapi.DeleteImageRequest{Name: alias})
		}
		churned <- n
	}()
	startGuard(c, soon)
	c.waitLease(bootManifest)
	record := c.get(boot)
	c.delete(boot)
	c.waitBack(record)
	stop()
	if n := <-churned; n < 2 {
		t.Errorf("only %d images came and went", n)
	}
}

func TestGuardDropsWhatItsLeaseHeldForAFormerBoot(t *testing.T) {
	c := startContainerd(t)
	manifest, _ := c.image("app", app)
	if _, err := c.client.openLease(c.ctx()); err != nil {
		t.Fatal(err)
	}
	if err := c.client.adjustLease(c.ctx(), map[string]bool{}, map[string]bool{manifest: true}); err != nil {
		t.Fatal(err)
	}
	startGuard(c, soon)
	c.waitLease()
}

func TestGuardOutlivesContainerd(t *testing.T) {
	c := startContainerd(t)
	manifest, _ := c.image("boot", boot)
	startGuard(c, soon)
	c.waitLease(manifest)
	record := c.get(boot)

	c.stop()
	c.start()
	// Deleted whether or not the guard is back already.
	c.delete(boot)
	c.waitBack(record)

	// Without its lease the guard can't go on; it makes a new one.
	if _, err := c.client.leases.Delete(c.ctx(), &leasesapi.DeleteRequest{ID: leaseID}); err != nil {
		t.Fatal(err)
	}
	appManifest, _ := c.image("app", app)
	c.container("c1", app, app)
	c.waitLease(manifest, appManifest)
}

func TestGuardEndsWhereContainerdNeverCame(t *testing.T) {
	g := New(filepath.Join(t.TempDir(), "none.sock"), nil, zaptest.NewLogger(t))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := g.Run(ctx); err != nil {
		t.Errorf("Run returned %v", err)
	}
}
