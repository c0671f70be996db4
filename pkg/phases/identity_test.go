package phases

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestMachineID(t *testing.T) {
	valid := regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\n$`)
	cases := map[string]struct {
		has  string
		keep bool
	}{
		"an empty one is filled":         {"", false},
		"uninitialized is filled":        {"uninitialized\n", false},
		"zeros are no id":                {strings.Repeat("0", 32) + "\n", false},
		"one that is there is kept":      {"0123456789abcdef0123456789abcdef\n", true},
		"half of one is filled":          {"0123456789abcdef\n", false},
		"a long one is written anew too": {strings.Repeat("a", 40), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/machine-id"
			putFile(t, path, c.has)
			for range 2 {
				before := getFile(t, path)
				if err := (machineID{path}).Apply(t.Context()); err != nil {
					t.Fatal(err)
				}
				after := getFile(t, path)
				if c.keep && after != c.has || !c.keep && !valid.MatchString(after) {
					t.Errorf("%q", after)
				}
				if valid.MatchString(before) && before != after {
					t.Errorf("%q became %q", before, after)
				}
			}
		})
	}
}

func TestEachContainerHasAnIDOfItsOwn(t *testing.T) {
	a, b := t.TempDir()+"/a", t.TempDir()+"/b"
	for _, path := range []string{a, b} {
		if err := (machineID{path}).Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if getFile(t, a) == getFile(t, b) {
		t.Error("the same twice")
	}
}

func TestProductUUIDBelongsToTheMachineID(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	got := productUUID(id)
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(got) {
		t.Errorf("%s is no UUID", got)
	}
	if got != productUUID(id) || got == productUUID(strings.Replace(id, "0", "1", 1)) {
		t.Error("it doesn't follow the machine-id")
	}
}

func TestFirmwareIsCovered(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	mountTmpfs(t, "/mnt")
	putFile(t, "/mnt/devices/product_name", "Some Cloud Engine\n")
	if err := (link{"/mnt/class", "devices"}).Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := firmware{"/mnt/class/product_name", "dockernetes", "/mnt/file"}
	for range 2 {
		if err := f.Apply(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := getFile(t, "/mnt/devices/product_name"); got != "dockernetes\n" {
		t.Errorf("it is %q", got)
	}
	if below, _ := mountsBelow("/mnt/devices"); !slices.Equal(below, []string{"/mnt/devices/product_name"}) {
		t.Errorf("mounted: %v", below)
	}
	if err := (firmware{"/mnt/none", "x", "/mnt/file"}).Apply(t.Context()); err != nil {
		t.Errorf("a machine without firmware: %v", err)
	}
}

func TestOwnEnvironmentForgetsTheClusterAround(t *testing.T) {
	got := OwnEnvironment([]string{"PATH=/bin", "KUBERNETES_SERVICE_HOST=10.0.0.1", "KUBERNETES_SERVICE_PORT_HTTPS=443",
		"KUBERNETES_PORT=tcp://10.0.0.1:443", "KUBERNETES_PORT_443_TCP_ADDR=10.0.0.1", "KUBERNETES_VERSION=v1.37.2", "ODD"})
	if want := []string{"PATH=/bin", "KUBERNETES_VERSION=v1.37.2", "ODD"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
