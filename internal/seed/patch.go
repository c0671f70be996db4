package seed

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// lengthOfUID is that of a UUID in text.
const lengthOfUID = 36

// places finds in a database of etcd all that is to be another in each
// cluster: it has every entry's value exactly once, in one piece.
func places(database []byte, entries []entry) (Patches, error) {
	var p Patches
	for _, e := range entries {
		m, err := find(e.value)
		if err != nil {
			return p, fmt.Errorf("cannot put %s into a seed: %w", e.key, err)
		}
		if m.uid == "" {
			continue // what the API server allocates for itself has no UID and no time
		}
		if len(m.uid) != lengthOfUID {
			return p, fmt.Errorf("cannot put %s into a seed: its UID is %q", e.key, m.uid)
		}
		at := bytes.Index(database, e.value)
		if at < 0 || bytes.Contains(database[at+1:], e.value) {
			return p, fmt.Errorf("cannot put %s into a seed: etcd's file does not have it exactly once", e.key)
		}
		for _, t := range m.times {
			p.Times = append(p.Times, int64(at+t))
		}
		for _, t := range m.texts {
			p.Texts = append(p.Texts, int64(at+t))
		}
		p.UIDs = append(p.UIDs, everywhere(database, []byte(m.uid)))
	}
	return p, nil
}

// everywhere returns all offsets of part in whole.
func everywhere(whole, part []byte) []int64 {
	var all []int64
	for at := 0; ; at++ {
		next := bytes.Index(whole[at:], part)
		if next < 0 {
			return all
		}
		at += next
		all = append(all, int64(at))
	}
}

// apply gives the objects in database new UIDs, and lets them be created now.
func (p Patches) apply(database []byte, now time.Time) error {
	for _, places := range p.UIDs {
		if err := overwrite(database, places, []byte(newUID())); err != nil {
			return err
		}
	}
	seconds := protowire.AppendVarint(nil, uint64(now.Unix()))
	if len(seconds) != lengthOfSeconds {
		return nil // the clock is far off, and the image's time is better
	}
	if err := overwrite(database, p.Times, seconds); err != nil {
		return err
	}
	return overwrite(database, p.Texts, []byte(now.UTC().Format(time.RFC3339)))
}

func overwrite(content []byte, places []int64, with []byte) error {
	for _, at := range places {
		if at < 0 || at+int64(len(with)) > int64(len(content)) {
			return fmt.Errorf("cannot patch the seed's database of %d bytes at %d: it is not the one that the seed was made with", len(content), at)
		}
		copy(content[at:], with)
	}
	return nil
}

// newUID is a random UUID (RFC 9562, version 4), as the API server makes them.
func newUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
