package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Mode says which kind of hierarchies hold the controllers.
type Mode string

// The modes.
const (
	V1     Mode = "v1"
	V2     Mode = "v2"
	Hybrid Mode = "hybrid" // v1 controllers, and a unified hierarchy beside them
)

// initName is the child of the container's cgroup that PID 1 and everything
// that is nobody's service moves to on v2, where a group with children that
// have controllers may hold no processes itself.
const initName = "init"

// Options change what [Detect] looks at.
type Options struct {
	// FS is a directory that stands for "/"; "" means the real one.
	FS string
	// HostRoot allows groups in the real root of a hierarchy. That is right
	// for the PID 1 of a machine and wrong for that of a container.
	HostRoot bool
	// Base names the group below which the services' groups are; "" means
	// "dnetinit".
	Base string
}

// Hierarchy is one mounted cgroup hierarchy, as the container sees it.
type Hierarchy struct {
	// Controllers are the v1 controllers that it holds, such as "cpu" and
	// "cpuacct", or "name=systemd"; on the unified hierarchy what its
	// cgroup.controllers lists.
	Controllers []string
	Unified     bool

	Mount string // where it is mounted
	Root  string // the path in the hierarchy that the mount shows
	Path  string // our path in it, as /proc/self/cgroup has it
	// Dir is the directory of the container's own cgroup; "" where the mount
	// doesn't show it.
	Dir string

	// Scoped is false where Dir is the real root of the hierarchy: the outer
	// engine made no group for this container.
	Scoped   bool
	ReadOnly bool
}

// Has tells if the hierarchy holds the controller.
func (h Hierarchy) Has(controller string) bool { return slices.Contains(h.Controllers, controller) }

// String names the hierarchy in messages.
func (h Hierarchy) String() string {
	if h.Unified {
		return "unified"
	}
	return strings.Join(h.Controllers, ",")
}

// Detect finds the container's cgroup tree.
func Detect() (*Tree, error) {
	return Options{HostRoot: machine()}.Detect()
}

// machine tells if this process is the PID 1 of the machine itself. The
// number is the kernel's PROC_PID_INIT_INO, the initial pid namespace.
func machine() bool {
	ns, err := os.Readlink("/proc/self/ns/pid")
	return err == nil && ns == "pid:[4026531836]" && os.Getpid() == 1
}

// Detect finds the cgroup tree that the options show.
func (o Options) Detect() (*Tree, error) {
	if o.Base == "" {
		o.Base = "dnetinit"
	}
	own, err := readPaths(filepath.Join(o.FS, "/proc/self/cgroup"))
	if err != nil {
		return nil, fmt.Errorf("cannot find the container's cgroup: %w", err)
	}
	mounts, err := readMounts(filepath.Join(o.FS, "/proc/self/mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("cannot find the cgroup mounts: %w", err)
	}

	t := &Tree{options: o}
	v1 := false
	for _, p := range own {
		h, mounted := o.hierarchy(p, mounts)
		if !mounted {
			continue
		}
		t.Hierarchies = append(t.Hierarchies, h)
		v1 = v1 || (!h.Unified && !strings.HasPrefix(h.Controllers[0], "name="))
	}
	_, unified := t.Unified()
	switch {
	case v1 && unified:
		t.Mode = Hybrid
	case v1:
		t.Mode = V1
	case unified:
		t.Mode = V2
	default:
		return nil, errors.New("cannot find a mounted cgroup hierarchy: none of those in /proc/self/cgroup is in /proc/self/mountinfo")
	}
	return t, nil
}

// ownPath is one line of /proc/self/cgroup.
type ownPath struct {
	controllers []string // empty for the unified hierarchy
	path        string
}

func readPaths(name string) ([]ownPath, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parsePaths(f)
}

func parsePaths(r io.Reader) ([]ownPath, error) {
	var paths []ownPath
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		// A path may hold colons, the first two fields can't.
		fields := strings.SplitN(lines.Text(), ":", 3)
		if len(fields) != 3 {
			return nil, fmt.Errorf("cannot parse %q as ID:CONTROLLERS:PATH", lines.Text())
		}
		p := ownPath{path: fields[2]}
		if fields[1] != "" {
			p.controllers = strings.Split(fields[1], ",")
		}
		paths = append(paths, p)
	}
	return paths, lines.Err()
}

func readMounts(name string) ([]*mountinfo.Info, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mountinfo.GetMountsFromReader(f, mountinfo.FSTypeFilter("cgroup", "cgroup2"))
}

// place is where everybody looks for cgroups.
const place = "/sys/fs/cgroup"

// hierarchy finds where the hierarchy of p is mounted. Of several mounts it
// takes one that shows our own cgroup, of those one in the usual place, and of
// those the one highest up; a later mount on the same point hides the earlier.
func (o Options) hierarchy(p ownPath, mounts []*mountinfo.Info) (Hierarchy, bool) {
	var best Hierarchy
	found := false
	rank := func(h Hierarchy) int {
		r := -len(h.Mount)
		if h.Dir != "" {
			r += 1 << 20
		}
		if strings.HasPrefix(h.Mount, filepath.Join(o.FS, place)) {
			r += 1 << 16
		}
		return r
	}
	for _, m := range mounts {
		if !shows(m, p.controllers) || o.FS == "" && hidden(m) {
			continue
		}
		h := Hierarchy{
			Controllers: p.controllers,
			Unified:     len(p.controllers) == 0,
			Mount:       filepath.Join(o.FS, m.Mountpoint),
			Root:        m.Root,
			Path:        p.path,
			ReadOnly:    slices.Contains(strings.Split(m.Options, ","), "ro"),
		}
		h.Dir = ownDir(h)
		if !found || h.Mount == best.Mount || rank(h) > rank(best) {
			best, found = h, true
		}
	}
	if best.Dir == "" {
		return best, found
	}
	if best.Unified {
		best.Controllers = strings.Fields(readString(filepath.Join(best.Dir, "cgroup.controllers")))
		// cgroup.type is in every group but the real root.
		best.Scoped = exists(filepath.Join(best.Dir, "cgroup.type"))
	} else {
		// release_agent is in no group but the real root. That holds with a
		// cgroup namespace too, where each path looks like a root.
		best.Scoped = !exists(filepath.Join(best.Dir, "release_agent"))
	}
	return best, found
}

// hidden tells if something else was mounted over m.
func hidden(m *mountinfo.Info) bool {
	var st unix.Stat_t
	return unix.Stat(m.Mountpoint, &st) != nil ||
		unix.Major(st.Dev) != uint32(m.Major) || unix.Minor(st.Dev) != uint32(m.Minor)
}

// shows tells if m is a mount of the hierarchy with these controllers.
func shows(m *mountinfo.Info, controllers []string) bool {
	if len(controllers) == 0 {
		return m.FSType == "cgroup2"
	}
	if m.FSType != "cgroup" {
		return false
	}
	options := strings.Split(m.VFSOptions, ",")
	for _, c := range controllers {
		if !slices.Contains(options, c) {
			return false
		}
	}
	return true
}

// ownDir is the directory of our own cgroup below the mount, or "" if the
// mount shows another part of the hierarchy.
func ownDir(h Hierarchy) string {
	rel, err := filepath.Rel(h.Root, h.Path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") || strings.HasPrefix(h.Root, "/..") || strings.HasPrefix(h.Path, "/..") {
		return ""
	}
	// PID 1 has been here before and moved itself to the init group.
	if h.Unified && filepath.Base(rel) == initName {
		rel = filepath.Dir(rel)
	}
	dir := filepath.Join(h.Mount, rel)
	if !exists(filepath.Join(dir, "cgroup.procs")) {
		return ""
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readString(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
