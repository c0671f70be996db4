package imageguard

import (
	"maps"
	"slices"
	"strings"
	"time"

	imagesapi "github.com/containerd/containerd/api/services/images/v1"
)

// inventory is what the guard knows of containerd: the image records and who uses them. It decides which images are
// needed and when a deleted one is due to come back. It does no I/O, and one goroutine owns it.
type inventory struct {
	keep   func(ref string) bool
	settle time.Duration

	images map[string]*imagesapi.Image // records that exist, by name
	lost   map[string]lostImage        // records that were deleted while they were needed, by name
	users  map[string][]string         // image names that a CRI container uses, by the container's ID
}

// lostImage is a deleted record on its way back.
type lostImage struct {
	record *imagesapi.Image
	due    time.Time
}

func newInventory(keep func(ref string) bool, settle time.Duration) *inventory {
	return &inventory{
		keep:   keep,
		settle: settle,
		images: map[string]*imagesapi.Image{},
		lost:   map[string]lostImage{},
		users:  map[string][]string{},
	}
}

// reset takes a fresh listing of containerd. A record that is needed and was known, but is not in the listing, was
// deleted while nobody looked: it is lost, and due at once, for whoever replaces a tag has done so by now.
func (v *inventory) reset(images []*imagesapi.Image, users map[string][]string, now time.Time) {
	old := v.images
	for name, l := range v.lost {
		old[name] = l.record
	}
	v.images, v.lost, v.users = map[string]*imagesapi.Image{}, map[string]lostImage{}, users
	for _, record := range images {
		v.created(record)
	}
	for name, record := range old {
		if v.images[name] == nil {
			v.lost[name] = lostImage{record: record, due: now}
		}
	}
	v.forgetUnneeded()
}

// created takes a record that was created or changed.
func (v *inventory) created(record *imagesapi.Image) {
	v.images[record.GetName()] = record
	delete(v.lost, record.GetName())
	v.forgetUnneeded()
}

// deleted takes the deletion of a record, at the given time.
func (v *inventory) deleted(name string, now time.Time) {
	record := v.images[name]
	if record == nil {
		return
	}
	delete(v.images, name)
	// To move a tag to another image, dockerd deletes its record and creates the new one, and fails if somebody else
	// created it in between. So a tag is given time to come back by itself. Nobody moves the tags of boot images, and
	// a name that holds a digest can't move.
	due := now
	if isTag(name) && !v.keep(name) {
		due = now.Add(v.settle)
	}
	v.lost[name] = lostImage{record: record, due: due}
	v.forgetUnneeded()
}

// giveUp forgets a lost record that can't be restored.
func (v *inventory) giveUp(name string) { delete(v.lost, name) }

// started takes a container of the CRI and the names of its image.
func (v *inventory) started(id string, names []string) { v.users[id] = names }

// removed takes the removal of a container.
func (v *inventory) removed(id string) {
	delete(v.users, id)
	v.forgetUnneeded()
}

// targets returns the digests that must stay: those which a kept or used name points at, or did when it was lost.
func (v *inventory) targets() map[string]bool {
	named := map[string]bool{}
	for _, names := range v.users {
		for _, name := range names {
			named[name] = true
		}
	}
	targets := map[string]bool{}
	mark := func(record *imagesapi.Image) {
		if named[record.GetName()] || v.keep(record.GetName()) {
			targets[record.GetTarget().GetDigest()] = true
		}
	}
	for _, record := range v.images {
		mark(record)
	}
	for _, l := range v.lost {
		mark(l.record)
	}
	return targets
}

// forgetUnneeded drops the lost records that nobody needs (any more). Needed is a name that a container uses or that
// is kept. The CRI also records each image by its ID and digest, and shows these in a pod's status: they are needed as
// long as the image is. A further tag of it is not, `docker rmi` of such an alias is an everyday thing.
func (v *inventory) forgetUnneeded() {
	if len(v.lost) == 0 {
		return
	}
	targets := v.targets()
	used := slices.Concat(slices.Collect(maps.Values(v.users))...)
	maps.DeleteFunc(v.lost, func(name string, l lostImage) bool {
		needed := v.keep(name) || slices.Contains(used, name) ||
			isIdentity(name) && targets[l.record.GetTarget().GetDigest()]
		return !needed
	})
}

// due returns the lost records to restore at the given time, by name, and when the next one is due; zero means never.
func (v *inventory) due(now time.Time) (records []*imagesapi.Image, next time.Time) {
	for _, name := range slices.Sorted(maps.Keys(v.lost)) {
		l := v.lost[name]
		if !l.due.After(now) {
			records = append(records, l.record)
		} else if next.IsZero() || l.due.Before(next) {
			next = l.due
		}
	}
	return records, next
}

// isTag tells names that can move from one image to another.
func isTag(name string) bool { return !strings.Contains(name, "sha256:") }

// isIdentity tells the names that the CRI gives to an image besides its tags: sha256:… and repository@sha256:….
// dockerd has one of the same form, for images without a tag, which comes and goes as dockerd likes.
func isIdentity(name string) bool { return !isTag(name) && !strings.HasPrefix(name, "moby-dangling@") }
