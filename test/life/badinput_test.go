package life

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

// Each of these is refused: soon, with a status, and with a message that names
// the thing.
func TestBadInputIsRefusedByName(t *testing.T) {
	t.Parallel()
	rig.Need(t)
	for _, test := range []struct {
		name    string
		args    []string // of docker run, before the image
		command []string
		names   []string
	}{
		{"an unknown flag", nil, []string{"dnetinit", "--bogus"}, []string{"--bogus"}},
		{"an unknown command", nil, []string{"dnetinit", "frobnicate"}, []string{"frobnicate"}},
		{"an unknown flag of a command", nil, []string{"dnetinit", "wait", "--forever"}, []string{"--forever"}},
		{"a duration that is none", nil, []string{"dnetinit", "wait", "--timeout=soon"}, []string{"soon", "--timeout"}},
		{"an output format that is none", nil, []string{"dnetinit", "status", "--output=xml"}, []string{"xml", "yaml"}},
		{"an argument too many", nil, []string{"dnetinit", "status", "etcd", "kubelet", "nonsense"}, []string{""}},
		{"init with an unknown flag", rig.Privileges(), []string{"/sbin/init", "--bogus"}, []string{"--bogus"}},
		{"systemctl with an unknown verb", nil, []string{"systemctl", "dance"}, []string{"dance"}},
		{"a configuration that is not there",
			append([]string{"--env=DNET_CONFIG=/nowhere.yaml"}, rig.Privileges()...), nil, []string{"/nowhere.yaml", "DNET_CONFIG"}},
		{"a configuration that is no YAML",
			append([]string{"--env=DNET_CONFIG={\n}}"}, rig.Privileges()...), nil, []string{"DNET_CONFIG"}},
		{"a configuration of another kind",
			append([]string{`--env=DNET_CONFIG={"apiVersion":"v1","kind":"Pod"}`}, rig.Privileges()...), nil, []string{"DNET_CONFIG", "Pod"}},
		{"a field that is unknown",
			append([]string{`--env=DNET_CONFIG={"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration","nonsense":1}`}, rig.Privileges()...),
			nil, []string{"DNET_CONFIG", "nonsense"}},
		{"a value that cannot be",
			append([]string{`--env=DNET_CONFIG={"apiVersion":"kubeadm.k8s.io/v1beta4","kind":"ClusterConfiguration","networking":{"podSubnet":"10.0.0.0/99"}}`}, rig.Privileges()...),
			nil, []string{"10.0.0.0/99"}},
		{"no privileges", nil, nil, []string{"--privileged"}},
		{"an init of Docker's", append([]string{"--init"}, rig.Privileges()...), nil, []string{"--init"}},
		{"an init that isn't PID 1", rig.Privileges(), []string{"sh", "-c", "/sbin/init; exit $?"}, []string{"PID 1", "--init"}},
		{"no network", append([]string{"--network=none"}, rig.Privileges()...), nil, []string{"--network none"}},
		{"no cgroups", append([]string{"--tmpfs=/sys/fs/cgroup"}, rig.Privileges()...), nil, []string{"cgroup", "/sys/fs/cgroup"}},
		{"no room for etcd", append([]string{"--tmpfs=/var/lib/etcd:size=2m"}, rig.Privileges()...), nil, []string{"/var/lib/etcd", "full"}},
		{"a port that is taken",
			append([]string{"--network=container:" + neighbour(t, nil, "serve", ":6443")}, rig.Privileges()...),
			nil, []string{"kube-apiserver", "6443", "address already in use"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := run(t, test.args, test.command)
			if strings.Contains(r.Output(), `exec: "docker-init"`) {
				t.Skip("this engine has no init of its own")
			}
			if r.Code <= 0 || r.Code >= 125 {
				t.Errorf("status %d, which is none of its own", r.Code)
			}
			for _, name := range test.names {
				if !strings.Contains(r.Output(), name) {
					t.Errorf("%q is not named in:\n%s", name, r.Output())
				}
			}
			if lines := strings.Count(r.Output(), "\n"); lines > 40 {
				t.Errorf("%d lines to say it:\n%s", lines, r.Output())
			}
			if strings.Contains(r.Output(), "goroutine ") {
				t.Errorf("a stack is no message:\n%s", r.Output())
			}
		})
	}
}

// run runs a container to its end.
func run(t *testing.T, args, command []string) rig.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	name := rig.FreshName("b")
	rig.Sweep(rig.Container, name)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		rig.Docker(ctx, "rm", "--force", "--volumes", name)
	})
	return rig.Docker(ctx, slices.Concat([]string{"run", "--name", name}, args, []string{rig.Image()}, command)...)
}
