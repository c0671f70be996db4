package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tree is the container's part of every cgroup hierarchy that it can see.
type Tree struct {
	Mode        Mode
	Hierarchies []Hierarchy

	options Options
}

// tracked are the v1 controllers that a service gets a group in, the one that
// its processes are listed by first.
var tracked = []string{"freezer", "name=systemd", "pids", "memory", "cpuacct", "cpu"}

// Unified returns the cgroup v2 hierarchy, if it is mounted.
func (t *Tree) Unified() (Hierarchy, bool) {
	i := slices.IndexFunc(t.Hierarchies, func(h Hierarchy) bool { return h.Unified })
	if i < 0 {
		return Hierarchy{}, false
	}
	return t.Hierarchies[i], true
}

// Controller returns the hierarchy that holds a controller.
func (t *Tree) Controller(name string) (Hierarchy, bool) {
	for _, h := range t.Hierarchies {
		if h.Has(name) && (!h.Unified || t.Mode == V2) {
			return h, true
		}
	}
	return Hierarchy{}, false
}

// Controllers lists the controllers that the container can use, sorted. Named
// hierarchies and those that are not scoped to the container are not in it.
func (t *Tree) Controllers() []string {
	var names []string
	for _, h := range t.Hierarchies {
		if !t.usable(h) || (h.Unified && t.Mode != V2) {
			continue
		}
		for _, c := range h.Controllers {
			if !strings.HasPrefix(c, "name=") {
				names = append(names, c)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// usable tells if groups may be made in h.
func (t *Tree) usable(h Hierarchy) bool {
	return h.Dir != "" && (h.Scoped || t.options.HostRoot)
}

// Dirs lists the container's own directory of each hierarchy in which
// services get groups: on v1 where a thread goes back to, on v2 the one.
func (t *Tree) Dirs() []string {
	if t.Mode == V2 {
		if h, ok := t.Unified(); ok && t.usable(h) {
			return []string{h.Dir}
		}
		return nil
	}
	var dirs []string
	for _, c := range tracked {
		h, ok := t.Controller(c)
		// Controllers that are mounted together share one directory.
		if ok && t.usable(h) && !slices.Contains(dirs, h.Dir) {
			dirs = append(dirs, h.Dir)
		}
	}
	return dirs
}

// New makes the group of the service called name, or takes the one that is
// there. A v1 hierarchy that is read-only is left out.
func (t *Tree) New(name string) (*Group, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/') {
		return nil, fmt.Errorf("cannot make a cgroup named %q: the name has to be one element of a path", name)
	}
	if t.Mode == V2 {
		return t.newV2(name)
	}
	g := &Group{Path: "/" + filepath.Join(t.options.Base, name)}
	for _, own := range t.Dirs() {
		dir := filepath.Join(own, g.Path)
		err := os.MkdirAll(dir, 0o755)
		if errors.Is(err, fs.ErrPermission) || isReadOnly(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot make cgroup %s: %w", dir, err)
		}
		g.dirs = append(g.dirs, dir)
	}
	if len(g.dirs) == 0 {
		return nil, fmt.Errorf("cannot make cgroup %s: no v1 hierarchy is scoped to this container and writable", g.Path)
	}
	return g, nil
}

func (t *Tree) newV2(name string) (*Group, error) {
	own := t.Dirs()
	if len(own) == 0 {
		return nil, fmt.Errorf("cannot make cgroup %s: %w", name, errNotOurs)
	}
	base := filepath.Join(own[0], t.options.Base)
	if err := os.MkdirAll(base, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make cgroup %s: %w", base, err)
	}
	// The groups of services shall have every controller there is. One that
	// can't be had is no reason not to run the service.
	for _, c := range missingControllers(base) {
		_ = enable(base, c)
	}
	g := &Group{Path: "/" + filepath.Join(t.options.Base, name), unified: true}
	dir := filepath.Join(own[0], g.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make cgroup %s: %w", dir, err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open cgroup %s: %w", dir, err)
	}
	g.dirs, g.file = []string{dir}, f
	return g, nil
}

// Sweep removes the groups of services that an earlier run left, as far as
// they are empty.
func (t *Tree) Sweep() {
	for _, own := range t.Dirs() {
		_ = removeAll(filepath.Join(own, t.options.Base))
	}
}
