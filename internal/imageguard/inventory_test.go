package imageguard

import (
	"maps"
	"slices"
	"testing"
	"time"

	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	"github.com/containerd/containerd/api/types"
	"github.com/google/go-cmp/cmp"
)

const (
	boot    = "dockernetes.dev/pause:3.10"
	app     = "docker.io/library/app:dev"
	alias   = "docker.io/library/app:latest"
	appID   = "sha256:aaaa"
	appRepo = "docker.io/library/app@sha256:1111"
	dangler = "moby-dangling@sha256:1111"
)

var start = time.Unix(1_000_000, 0)

func record(name, digest string) *imagesapi.Image {
	return &imagesapi.Image{Name: name, Target: &types.Descriptor{Digest: digest}}
}

func isBoot(name string) bool { return name == boot }

// stocked returns an inventory of one boot image and one application with all kinds of names.
func stocked() *inventory {
	v := newInventory(isBoot, time.Second)
	v.reset([]*imagesapi.Image{
		record(boot, "b"), record(app, "1"), record(alias, "1"), record(appID, "1"), record(appRepo, "1"),
		record(dangler, "1"),
	}, map[string][]string{}, start)
	return v
}

func TestInventory(t *testing.T) {
	everything := []string{boot, app, alias, appID, appRepo, dangler}
	prune := func(v *inventory) {
		for _, name := range everything {
			v.deleted(name, start)
		}
	}
	tests := []struct {
		name    string
		events  func(v *inventory)
		now     []string // due at once
		later   []string // due when tags have settled
		targets []string
	}{
		{
			name:    "nothing is due when nothing was deleted",
			events:  func(*inventory) {},
			targets: []string{"b"},
		},
		{
			name:    "a prune takes an unused image and not the boot's",
			events:  prune,
			now:     []string{boot},
			later:   []string{boot},
			targets: []string{"b"},
		},
		{
			name: "a used image keeps the pod's name and its identities, but not an alias",
			events: func(v *inventory) {
				v.started("c1", []string{app})
				prune(v)
			},
			now:     []string{boot, appRepo, appID},
			later:   []string{boot, app, appRepo, appID},
			targets: []string{"1", "b"},
		},
		{
			name: "the order of the deletions does not matter",
			events: func(v *inventory) {
				v.started("c1", []string{app})
				slices.Reverse(everything)
				prune(v)
			},
			now:     []string{boot, appRepo, appID},
			later:   []string{boot, app, appRepo, appID},
			targets: []string{"1", "b"},
		},
		{
			name: "an image by ID keeps its ID and not its tags",
			events: func(v *inventory) {
				v.started("c1", []string{appID})
				prune(v)
			},
			now:     []string{boot, appRepo, appID},
			later:   []string{boot, appRepo, appID},
			targets: []string{"1", "b"},
		},
		{
			name: "an image is free when its last container is gone",
			events: func(v *inventory) {
				v.started("c1", []string{app})
				v.started("c2", []string{app})
				v.removed("c1")
				v.removed("c2")
				prune(v)
			},
			now:     []string{boot},
			later:   []string{boot},
			targets: []string{"b"},
		},
		{
			name: "one container of two is enough to need an image",
			events: func(v *inventory) {
				v.started("c1", []string{app})
				v.started("c2", []string{app})
				v.removed("c1")
				v.deleted(app, start)
			},
			later:   []string{app},
			targets: []string{"1", "b"},
		},
		{
			name: "a lost image is given up when its container goes before it is back",
			events: func(v *inventory) {
				v.started("c1", []string{app})
				prune(v)
				v.removed("c1")
			},
			now:     []string{boot},
			later:   []string{boot},
			targets: []string{"b"},
		},
		{
			name: "a tag that moves to another image is left there, and the old image is free",
			events: func(v *inventory) {
				v.started("c1", []string{app})
				v.deleted(app, start)
				v.created(record(app, "2"))
				v.deleted(appID, start)
			},
			targets: []string{"2", "b"},
		},
		{
			name: "a record that can't come back is forgotten",
			events: func(v *inventory) {
				v.deleted(boot, start)
				v.giveUp(boot)
			},
		},
		{
			name: "the deletion of an unknown name means nothing",
			events: func(v *inventory) {
				v.started("c1", []string{"docker.io/library/other:1"})
				v.deleted("docker.io/library/other:1", start)
			},
			targets: []string{"b"},
		},
		{
			name: "what is needed and vanished between two listings is due at once",
			events: func(v *inventory) {
				v.reset(nil, map[string][]string{"c1": {app}}, start)
			},
			now:     []string{boot, app, appRepo, appID},
			later:   []string{boot, app, appRepo, appID},
			targets: []string{"1", "b"},
		},
		{
			name: "what was lost before a new listing is still lost, unless it is in it",
			events: func(v *inventory) {
				v.started("c1", []string{app})
				prune(v)
				v.reset([]*imagesapi.Image{record(boot, "b")}, map[string][]string{"c1": {app}}, start)
			},
			now:     []string{app, appRepo, appID},
			later:   []string{app, appRepo, appID},
			targets: []string{"1", "b"},
		},
	}
	names := func(records []*imagesapi.Image) (names []string) {
		for _, r := range records {
			names = append(names, r.GetName())
		}
		return names
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := stocked()
			test.events(v)
			now, next := v.due(start)
			later, never := v.due(start.Add(time.Second))
			slices.Sort(test.now)
			slices.Sort(test.later)
			if diff := cmp.Diff(test.now, names(now)); diff != "" {
				t.Errorf("due at once (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.later, names(later)); diff != "" {
				t.Errorf("due later (-want +got):\n%s", diff)
			}
			if got := slices.Sorted(maps.Keys(v.targets())); !slices.Equal(got, test.targets) {
				t.Errorf("targets are %q, want %q", got, test.targets)
			}
			if waits := len(later) > len(now); waits != next.Equal(start.Add(time.Second)) || next.IsZero() == waits {
				t.Errorf("next is due at %v", next)
			}
			if !never.IsZero() {
				t.Errorf("something is due after all was due, at %v", never)
			}
		})
	}
}

func TestNamesOfImages(t *testing.T) {
	tests := map[string]struct{ tag, identity bool }{
		app:                           {tag: true},
		"registry.example:5000/a/b:1": {tag: true},
		appID:                         {identity: true},
		appRepo:                       {identity: true},
		dangler:                       {},
	}
	for name, want := range tests {
		if isTag(name) != want.tag || isIdentity(name) != want.identity {
			t.Errorf("%s: tag %v, identity %v, want %v", name, isTag(name), isIdentity(name), want)
		}
	}
}
