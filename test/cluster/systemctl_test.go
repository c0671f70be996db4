package cluster

import (
	"strings"
	"testing"
)

// The statuses are systemd's own: systemctl(1) and the LSB's list for status.
func TestSystemctlAnswersAsSystemdDoes(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	for _, test := range []struct {
		line string
		code int
		says string // the first line, if there is one
	}{
		{line: "is-active multi-user.target", says: "active"},
		{line: "is-active etcd", says: "active"},
		{line: "is-active etcd.service kubelet.service", says: "active"},
		{line: "is-active --quiet docker"},
		{line: "is-active nosuch.service", code: 4, says: "inactive"},
		{line: "is-active --quiet nosuch.service", code: 4},
		{line: "is-failed etcd", code: 1, says: "active"},
		{line: "is-failed --quiet multi-user.target", code: 1},
		{line: "is-system-running", says: "running"},
		{line: "is-system-running --quiet"},
		{line: "status nosuch", code: 4},
		{line: "start etcd"},
		{line: "start nosuch", code: 5},
		{line: "stop nosuch", code: 5},
		{line: "restart nosuch", code: 5},
		{line: "dance", code: 1},
		{line: "is-active --nosuchflag etcd", code: 1},
	} {
		r := c.Try(t, append([]string{"systemctl"}, strings.Fields(test.line)...)...)
		first, _, _ := strings.Cut(r.Stdout, "\n")
		if r.Code != test.code || (first != test.says && test.says != "") {
			t.Errorf("systemctl %s: status %d and %q, want %d and %q\n%s", test.line, r.Code, first, test.code, test.says, r.Stderr)
		}
		if strings.Contains(test.line, "--quiet") && r.Stdout != "" {
			t.Errorf("systemctl %s says %q", test.line, r.Stdout)
		}
	}
}

func TestSystemctlShowsUnits(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	units := c.Exec(t, "systemctl", "list-units")
	for _, want := range []string{"multi-user.target", "etcd.service", "kubelet.service", "active"} {
		if !strings.Contains(units, want) {
			t.Errorf("%s is not listed:\n%s", want, units)
		}
	}
	if status := c.Exec(t, "systemctl", "status", "etcd"); !strings.Contains(status, "active (running)") {
		t.Errorf("etcd's status:\n%s", status)
	}
}
