package preflight

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// Severity tells if the boot can go on.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // it can't work
	Warning Severity = "warning" // it will work, but less well
)

// Finding is one thing that is wrong.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Remedy   string   `json:"remedy,omitempty"` // what the user can do, usually an option of docker run
}

// String is the finding as a line of a log.
func (f Finding) String() string {
	s := string(f.Severity) + ": " + f.Check + ": " + f.Message
	if f.Remedy != "" {
		s += ". " + f.Remedy
	}
	return s
}

// Options is what a check has to know.
type Options struct {
	// Listen are the addresses that the services are going to listen on, as
	// "host:port", each with who wants it.
	Listen map[string]string
	// StateDirs are the directories that hold state and need room.
	StateDirs []string
	// LayerDirs are those of them that hold the layers of images.
	LayerDirs []string

	PID int    // the number of this process; 0 means its real one
	FS  string // stands for "/", in tests
}

// DefaultStateDirs are the directories that the image has volumes for.
func DefaultStateDirs() []string {
	return []string{"/var/lib/etcd", "/var/lib/containerd", "/var/lib/docker", "/var/lib/kubelet"}
}

// DefaultLayerDirs are those of them that hold layers.
func DefaultLayerDirs() []string { return []string{"/var/lib/containerd", "/var/lib/docker"} }

func (o Options) path(p string) string { return filepath.Join(o.FS, p) }

func (o Options) pid() int {
	if o.PID != 0 {
		return o.PID
	}
	return os.Getpid()
}

// Check is one thing that is looked at.
type Check struct {
	Name    string
	Summary string
	Run     func(context.Context, Options) []Finding
}

// Checks is the table of all checks, in the order in which they are worth
// reading: what is found first explains what is found next.
func Checks() []Check {
	return []Check{
		{"pid1", "dnetinit is the first process of the container", pid1},
		{"capabilities", "the container has the capabilities that it needs", capabilities},
		{"mount", "the container may mount", mounting},
		{"proc-sys", "kernel parameters can be written", procSys},
		{"cgroups", "the container has cgroups of its own", cgroups},
		{"ports", "no port is taken", ports},
		{"disk", "there is room for state", disk},
		{"layers", "the layers of images can be stacked", layers},
	}
}

// Run runs all checks and returns what they found.
func Run(ctx context.Context, o Options) []Finding {
	var findings []Finding
	for _, c := range Checks() {
		for _, f := range c.Run(ctx, o) {
			f.Check = c.Name
			findings = append(findings, f)
		}
	}
	return findings
}

// Failed tells if one of the findings is an error.
func Failed(findings []Finding) bool {
	for _, f := range findings {
		if f.Severity == Error {
			return true
		}
	}
	return false
}

// Text is the findings, a line each.
func Text(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}
