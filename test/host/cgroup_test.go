package host

import (
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/pkg/supervisor"
	"github.com/lyft/dockernetes/test/rig"
)

// services are those that are up once a cluster is ready.
var services = []string{"containerd", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"}

// cgroupOf is the cgroup of a process of the container as its own
// /proc/PID/cgroup has it: on v2 the only one, on v1 that of the memory, which
// stands above the one of a v2 hierarchy beside.
const cgroupOf = `sed --quiet 's/^[0-9]*:memory://p; s/^0:://p' /proc/%d/cgroup | head -1`

// unifiedOnly skips what cgroup v1 has not.
func unifiedOnly(t *testing.T, c *rig.Cluster) {
	t.Helper()
	if c.Try(t, "test", "-e", "/sys/fs/cgroup/cgroup.controllers").Code != 0 {
		t.Skip("needs cgroup v2")
	}
}

func TestEachServiceHasACgroupAndItsFiguresAreShown(t *testing.T) {
	c := cluster(t)
	status := c.Status(t)
	for _, name := range services {
		unit, _ := status.Unit(name)
		if unit.State != supervisor.Ready || unit.PID == 0 {
			t.Errorf("%s is %s, process %d", name, unit.State, unit.PID)
			continue
		}
		if unit.Memory < 1<<20 || unit.CPU <= 0 {
			t.Errorf("%s uses %d bytes of memory and %v s of CPU", name, unit.Memory, unit.CPU)
		}
		if got := strings.TrimSpace(c.Shell(t, fmt.Sprintf(cgroupOf, unit.PID))); !strings.HasSuffix(got, "/dnetinit/"+name) {
			t.Errorf("%s is in the cgroup %s", name, got)
		}
	}
}

func TestTheContainersOwnCgroupIsFitForChildren(t *testing.T) {
	c := cluster(t)
	unifiedOnly(t, c)
	if pids := c.Exec(t, "cat", "/sys/fs/cgroup/cgroup.procs"); pids != "" {
		t.Errorf("processes are in it: %q", pids)
	}
	if got := c.Shell(t, fmt.Sprintf(cgroupOf, 1)); got != "/init\n" {
		t.Errorf("process 1 is in %q", got)
	}
	has, gives := c.Exec(t, "cat", "/sys/fs/cgroup/cgroup.controllers"), c.Exec(t, "cat", "/sys/fs/cgroup/cgroup.subtree_control")
	for _, controller := range strings.Fields(has) {
		if !strings.Contains(" "+strings.TrimSpace(gives)+" ", " "+controller+" ") {
			t.Errorf("%s is not given to children: they have %s", controller, gives)
		}
	}
}

func TestStoppingAServiceKillsWhateverItStarted(t *testing.T) {
	c := cluster(t)
	stray := strings.TrimSpace(c.Shell(t, `
for dir in /sys/fs/cgroup/dnetinit/kube-scheduler /sys/fs/cgroup/*/dnetinit/kube-scheduler; do
	test ! -e "$dir/cgroup.procs" || echo $$ >"$dir/cgroup.procs"
done
trap '' TERM
setsid sleep 1000 </dev/null >/dev/null 2>&1 &
echo $!`))
	c.Exec(t, "dnetinit", "restart", "kube-scheduler")
	if r := c.Try(t, "test", "-e", "/proc/"+stray); r.Code == 0 {
		t.Errorf("process %s is still there", stray)
	}
}

// limited is a pod whose limits are unlike those of all others.
const limited = `
apiVersion: v1
kind: Pod
metadata: {name: limited}
spec:
  restartPolicy: Never
  containers:
  - name: app
    image: testapp:dev
    imagePullPolicy: Never
    args: [%s]
    resources: {limits: {memory: 50Mi, cpu: 300m}}
`

func TestTheLimitsOfAPodAreTheKernels(t *testing.T) {
	c := cluster(t)
	n := c.Namespace(t)
	n.Apply(t, fmt.Sprintf(limited, "serve"))
	n.Kubectl(t, "wait", "pod/limited", "--for=condition=Ready", rig.Timeout(2*time.Minute))

	id := strings.TrimPrefix(n.Kubectl(t, "get", "pod", "limited", "--output=jsonpath={.status.containerStatuses[0].containerID}"), "containerd://")
	for _, test := range []struct{ v1, v2, want string }{
		{"memory.limit_in_bytes", "memory.max", "52428800"},
		{"cpu.cfs_quota_us", "cpu.max", "30000"},
	} {
		found := strings.Fields(c.Shell(t, fmt.Sprintf("find /sys/fs/cgroup/ -path '*/kubepods/*%s/%s' -o -path '*/kubepods/*%s/%s'", id, test.v1, id, test.v2)))
		if len(found) == 0 {
			t.Errorf("no cgroup of the container below kubepods has %s or %s", test.v1, test.v2)
			continue
		}
		if got := strings.Fields(c.Exec(t, "cat", found[0]))[0]; got != test.want {
			t.Errorf("%s is %s, want %s", path.Base(found[0]), got, test.want)
		}
	}
}

func TestAPodThatTakesTooMuchIsKilledAndSoNamed(t *testing.T) {
	c := cluster(t)
	n := c.Namespace(t)
	n.Apply(t, fmt.Sprintf(limited, `eat, "200"`))
	rig.Eventually(t, 2*time.Minute, func() error {
		reason := n.Kubectl(t, "get", "pod", "limited", "--output=jsonpath={.status.containerStatuses[0].state.terminated.reason}")
		if reason != "OOMKilled" {
			return fmt.Errorf("the pod's container ended for the reason %q", reason)
		}
		return nil
	})
}
