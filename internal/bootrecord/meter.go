package bootrecord

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/lyft/dockernetes/internal/bootreport"
	"github.com/lyft/dockernetes/internal/cgroup"
)

// Meter reads how much CPU time has been used. It keeps its files open, so
// that a reading costs one system call a file: less than 0.1 ms in all. The
// zero value is ready for use, by one goroutine.
type Meter struct {
	// Base is the cgroup below which the services have theirs, seen from the
	// container's own; "" means /dnetinit, as package cgroup has it.
	Base string

	machine   *os.File
	container counterFile
	services  map[string]counterFile
	dir       string // the container's cgroup; "" until it is known
	tries     int    // to find that
	file      string // that has the CPU time, in every cgroup
	buffer    [512]byte
}

// maxTries is how often the container's cgroup is looked for, which is done at
// a reading each and costs much more than that. It is there when PID 1 begins,
// unless a phase has to mount it, which is among the first to run.
const maxTries = 10

// counterFile is an open file with a CPU time.
type counterFile struct {
	file *os.File
	last float64 // what it said when it could last be read
}

// Read reads all counters; the names are those of the services that have begun.
// What can't be read, or not yet, is left out.
func (m *Meter) Read(services []string) bootreport.Sample {
	s := bootreport.Sample{Machine: m.readMachine(), Init: ownCPU(), Services: map[string]float64{}}
	if m.dir == "" && m.tries < maxTries {
		m.tries++
		m.find()
	}
	if m.dir == "" {
		return s
	}
	s.Container = m.read(&m.container, m.dir)
	base := m.Base
	if base == "" {
		base = "dnetinit"
	}
	if m.services == nil {
		m.services = map[string]counterFile{}
	}
	for _, name := range services {
		c := m.services[name]
		if used := m.read(&c, filepath.Join(m.dir, base, name)); used > 0 {
			s.Services[name] = used
		}
		m.services[name] = c
	}
	return s
}

// Close closes the files.
func (m *Meter) Close() {
	for _, c := range m.services {
		c.file.Close()
	}
	m.container.file.Close()
	m.machine.Close()
}

// find looks for the container's cgroup. One that is not the container's alone
// would count the whole machine.
func (m *Meter) find() {
	tree, err := cgroup.Detect()
	if err != nil {
		return
	}
	h, ok := tree.Controller("cpuacct")
	m.file = "cpuacct.usage"
	if !ok {
		h, ok = tree.Unified()
		m.file = "cpu.stat"
	}
	if ok && h.Scoped {
		m.dir = h.Dir
	}
}

// read is the CPU time of one cgroup, in seconds.
func (m *Meter) read(c *counterFile, dir string) float64 {
	if c.file == nil {
		f, err := os.Open(filepath.Join(dir, m.file))
		if err != nil {
			return 0
		}
		c.file = f
	}
	n, _ := c.file.ReadAt(m.buffer[:], 0)
	if used, ok := parseUsage(m.buffer[:n]); ok {
		c.last = used
	}
	return c.last
}

// parseUsage reads cpuacct.usage, which is a number of nanoseconds, or
// cpu.stat, whose first line is "usage_usec N".
func parseUsage(text []byte) (seconds float64, ok bool) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	unit := 1e9
	if number, found := bytes.CutPrefix(line, []byte("usage_usec ")); found {
		line, unit = number, 1e6
	}
	n, err := strconv.ParseUint(string(line), 10, 64)
	return float64(n) / unit, err == nil
}

// readMachine is the CPU time of the whole machine.
func (m *Meter) readMachine() float64 {
	if m.machine == nil {
		f, err := os.Open("/proc/stat")
		if err != nil {
			return 0
		}
		m.machine = f
	}
	n, _ := m.machine.ReadAt(m.buffer[:], 0)
	return parseMachine(m.buffer[:n])
}

// parseMachine adds up the first line of /proc/stat, less what is idle: user,
// nice, system, (idle, iowait,) irq, softirq, steal. What guests use is part
// of user.
func parseMachine(text []byte) float64 {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	var ticks int64
	for i, field := range bytes.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		n, _ := strconv.ParseInt(string(field), 10, 64)
		ticks += n
	}
	return float64(ticks) * userTick.Seconds()
}

// ownCPU is the CPU time of this process.
func ownCPU() float64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
