package cgroup

import (
	"bufio"
	"path/filepath"
	"strconv"
	"strings"
)

// Stats is what a group has used.
type Stats struct {
	CPUSeconds float64
	// MemoryBytes is the working set, as the kubelet counts it: what is used
	// less the page cache that the kernel would take back first.
	MemoryBytes uint64
	MemoryPeak  uint64 // 0 where the kernel doesn't keep it (v2 before Linux 5.19)
	Pids        uint64 // processes and threads
	OOMKills    uint64 // processes that were killed for want of memory
}

// Stats reads what the group has used. What the kernel doesn't count here is
// left at 0.
func (g *Group) Stats() Stats {
	if g.unified {
		return Stats{
			CPUSeconds:  float64(g.keyed("cpu.stat", "usage_usec")) / 1e6,
			MemoryBytes: less(g.number("memory.current"), g.keyed("memory.stat", "inactive_file")),
			MemoryPeak:  g.number("memory.peak"),
			Pids:        g.number("pids.current"),
			OOMKills:    g.keyed("memory.events", "oom_kill"),
		}
	}
	return Stats{
		CPUSeconds:  float64(g.number("cpuacct.usage")) / 1e9,
		MemoryBytes: less(g.number("memory.usage_in_bytes"), g.keyed("memory.stat", "total_inactive_file")),
		MemoryPeak:  g.number("memory.max_usage_in_bytes"),
		Pids:        g.number("pids.current"),
		OOMKills:    g.keyed("memory.oom_control", "oom_kill"),
	}
}

// less is a - b, and 0 where b is more: the two are read one after the other.
func less(a, b uint64) uint64 { return a - min(a, b) }

// find returns the content of a file that is in one of the group's
// directories: its name begins with its controller's, so no two have it.
func (g *Group) find(file string) string {
	for _, dir := range g.dirs {
		if s := readString(filepath.Join(dir, file)); s != "" {
			return s
		}
	}
	return ""
}

func (g *Group) number(file string) uint64 {
	n, _ := strconv.ParseUint(g.find(file), 10, 64)
	return n
}

// keyed reads one value of a file of "key value" lines.
func (g *Group) keyed(file, key string) uint64 {
	lines := bufio.NewScanner(strings.NewReader(g.find(file)))
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok && name == key {
			n, _ := strconv.ParseUint(value, 10, 64)
			return n
		}
	}
	return 0
}
