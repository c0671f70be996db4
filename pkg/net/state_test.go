package hostnet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestDesiredStateIsMadeAndMadeAgain(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	for range 2 {
		if err := Desired(true).Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil || lo.Attrs().OperState != netlink.OperUnknown || lo.Attrs().RawFlags&1 == 0 {
		t.Errorf("lo is not up: %v %v", lo, err)
	}
	for _, s := range Desired(true).Sysctls {
		if ok, has, err := s.Satisfied(); !ok && !os.IsNotExist(err) {
			t.Errorf("%s: it is %q, %v", s, has, err)
		}
	}
}

func TestALinkThatIsNotThereIsNamed(t *testing.T) {
	err := Link{Name: "nosuch0"}.Apply(t.Context())
	if err == nil || !strings.Contains(err.Error(), "nosuch0") {
		t.Errorf("got %v", err)
	}
}

func TestSysctl(t *testing.T) {
	const absent = "\x00"
	cases := map[string]struct {
		sysctl Sysctl
		has    string
		want   string
		err    string
	}{
		"a value is written":                        {Sysctl{Name: "a.b", Value: "1"}, "0\n", "1", ""},
		"a value that is right is left":             {Sysctl{Name: "a.b", Value: "1"}, "1\n", "1\n", ""},
		"tabs between numbers are blanks":           {Sysctl{Name: "a.b", Value: "1 2"}, "1\t2\n", "1\t2\n", ""},
		"a smaller one is raised":                   {Sysctl{Name: "a.b", Value: "512", AtLeast: true}, "128\n", "512", ""},
		"a larger one stays":                        {Sysctl{Name: "a.b", Value: "512", AtLeast: true}, "9223372036854775807\n", "9223372036854775807\n", ""},
		"an equal one stays":                        {Sysctl{Name: "a.b", Value: "512", AtLeast: true}, "512\n", "512\n", ""},
		"one that is absent is an error":            {Sysctl{Name: "a.b", Value: "1"}, absent, absent, `cannot set sysctl a.b = 1 (it is "")`},
		"one that is absent may be, if it may":      {Sysctl{Name: "a.b", Value: "1", Optional: true}, absent, absent, ""},
		"the path has slashes where there are dots": {Sysctl{Name: "a.b", Value: "1"}, "", "1", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			proc := t.TempDir()
			file := filepath.Join(proc, "a/b")
			if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if c.has != absent {
				if err := os.WriteFile(file, []byte(c.has), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			c.sysctl.proc = proc
			err := c.sysctl.Apply(t.Context())
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v, want %q", err, c.err)
			}
			got, err := os.ReadFile(file)
			if err != nil {
				got = []byte(absent)
			}
			// A file is not cut by a write, as a parameter has no length.
			if !strings.HasPrefix(string(got), c.want) {
				t.Errorf("it is %q, want %q", got, c.want)
			}
		})
	}
}

func TestIPv6IsTouchedOnlyIfAskedFor(t *testing.T) {
	for _, s := range Desired(false).Sysctls {
		if strings.Contains(s.Name, "ipv6") {
			t.Errorf("%s", s)
		}
	}
	if len(Desired(true).Sysctls) <= len(Desired(false).Sysctls) {
		t.Error("nothing is added")
	}
}

func TestStepsSayWhatTheyAre(t *testing.T) {
	var all []string
	for _, s := range Desired(true).Steps() {
		all = append(all, s.String())
	}
	got := strings.Join(all, "\n")
	for _, want := range []string{"link lo up", "sysctl net.ipv4.ip_forward = 1"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
