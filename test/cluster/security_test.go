package cluster

import (
	"bufio"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lyft/dockernetes/test/rig"
)

// listener is a socket that listens: TCP, or bound UDP.
type listener struct {
	protocol string
	ip       net.IP
	port     int
}

func (l listener) String() string {
	return l.protocol + " " + net.JoinHostPort(l.ip.String(), strconv.Itoa(l.port))
}

// listeners reads the kernel's own tables of the container.
func listeners(t *testing.T, c *rig.Cluster) (list []listener) {
	t.Helper()
	for _, protocol := range []string{"tcp", "tcp6", "udp", "udp6"} {
		for lines := bufio.NewScanner(strings.NewReader(c.Exec(t, "cat", "/proc/net/"+protocol))); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			// The state: 0A is a listening TCP socket, 07 a bound one of UDP.
			if len(fields) < 4 || fields[3] != map[bool]string{true: "0A", false: "07"}[strings.HasPrefix(protocol, "tcp")] {
				continue
			}
			l, err := parseListener(protocol, fields[1])
			if err != nil {
				t.Fatalf("%v: %s", err, lines.Text())
			}
			list = append(list, l)
		}
	}
	return list
}

// parseListener reads an address as /proc/net has it: each four bytes in the
// host's order, which is little endian on amd64 and arm64.
func parseListener(protocol, field string) (listener, error) {
	address, port, _ := strings.Cut(field, ":")
	raw, err := hex.DecodeString(address)
	if err != nil {
		return listener{}, err
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	number, err := strconv.ParseUint(port, 16, 16)
	return listener{protocol[:3], net.IP(raw), int(number)}, err
}

func TestNothingButTheAPIServerAndTheKubeletListensOnTheContainersAddress(t *testing.T) {
	c := cluster(t)
	outside := map[string]string{
		"tcp 6443":  "kube-apiserver",
		"tcp 10250": "kubelet, which answers its clients' certificates only",
	}
	loopback := map[string]string{
		"tcp 2379": "etcd", "tcp 2380": "etcd's peers", "tcp 2381": "etcd's metrics",
		"tcp 10257": "kube-controller-manager", "tcp 10259": "kube-scheduler",
		"tcp 10248": "kubelet's health", "tcp 10249": "kube-proxy's metrics", "tcp 10256": "kube-proxy's health",
	}
	seen := map[string]bool{}
	others := 0
	for _, l := range listeners(t, c) {
		name := fmt.Sprintf("%s %d", l.protocol, l.port)
		seen[name] = true
		switch {
		case l.ip.IsLoopback() && loopback[name] == "":
			others++ // containerd's stream server is at any port
			t.Logf("on loopback: %s", l)
		case !l.ip.IsLoopback() && outside[name] == "":
			t.Errorf("%s can be reached from outside, and is not in the list", l)
		}
	}
	if others > 1 {
		t.Errorf("%d sockets listen on loopback that are not in the list", others)
	}
	for name, who := range outside {
		if !seen[name] {
			t.Errorf("%s (%s) is in the list, and nobody listens there", name, who)
		}
	}
	for name, who := range loopback {
		if !seen[name] {
			t.Errorf("%s (%s) is in the list, and nobody listens there", name, who)
		}
	}
}

func TestWhoHasNoCertificateGetsNothing(t *testing.T) {
	c := cluster(t)
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, // a stranger does not care who answers
	}}
	for _, test := range []struct {
		path string
		want []int
	}{
		{":10250/pods", []int{401}},
		{":10250/metrics", []int{401}},
		{":10250/run/kube-system/x/y", []int{401}},
		{":6443/api/v1/secrets", []int{401, 403}},
		{":6443/api/v1/namespaces/kube-system/configmaps", []int{401, 403}},
		{":6443/metrics", []int{401, 403}},
	} {
		answer, err := client.Get("https://" + c.Address(t) + test.path)
		if err != nil {
			t.Error(err)
			continue
		}
		answer.Body.Close()
		if !slices.Contains(test.want, answer.StatusCode) {
			t.Errorf("%s: %s", test.path, answer.Status)
		}
	}
}

func TestEtcdIsForThoseWithACertificateAndOnLoopback(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	line := strings.ReplaceAll(c.Shell(t, "cat /proc/$(pidof etcd)/cmdline"), "\x00", " ")
	for _, flag := range []string{"--client-cert-auth=true", "--peer-client-cert-auth=true", "--trusted-ca-file=", "--peer-trusted-ca-file="} {
		if !strings.Contains(line, flag) {
			t.Errorf("%s is not among etcd's arguments: %s", flag, line)
		}
	}
	for _, flag := range []string{"listen-client-urls", "listen-peer-urls"} {
		urls := regexp.MustCompile(`--` + flag + `=(\S+)`).FindStringSubmatch(line)
		if urls == nil {
			t.Errorf("etcd has no --%s: %s", flag, line)
			continue
		}
		for url := range strings.SplitSeq(urls[1], ",") {
			if !strings.HasPrefix(url, "https://127.0.0.1:") && !strings.HasPrefix(url, "https://[::1]:") && !strings.HasPrefix(url, "unix") {
				t.Errorf("--%s has %s", flag, url)
			}
		}
	}
}

// keyFiles finds the files with a private key in them that others than root
// may read. What a pod is given is mounted below the kubelet's pods, and its own.
const keyFiles = `
find /etc /root /run /tmp /usr/share/dnetinit /var/lib/etcd /var/lib/kubelet /var/lib/docker /var/log /var/run \
	-path /var/lib/kubelet/pods -prune -o -path '*/overlay2' -prune -o \
	-type f -size -64k -perm /077 -print0 2>/dev/null |
	xargs -0 --no-run-if-empty grep -lsE -e '-----BEGIN .*PRIVATE KEY-----|client-key-data:' || true`

func TestNoKeyAndNoKubeconfigCanBeReadByOthers(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	if found := c.Shell(t, keyFiles); found != "" {
		t.Errorf("others than root may read the keys in\n%s", found)
	}
	modes := c.Shell(t, "stat --format='%a %U %n' /etc/kubernetes/*.conf /etc/kubernetes/pki/*.key /etc/kubernetes/pki/*/*.key")
	for line := range strings.Lines(modes) {
		if !strings.HasPrefix(line, "600 root ") {
			t.Errorf("not for root alone: %s", line)
		}
	}
	if strings.Count(modes, ".conf\n") < 4 || strings.Count(modes, ".key\n") < 5 {
		t.Errorf("that can't be all:\n%s", modes)
	}
	for path, mode := range map[string]string{
		"/run/dnetinit/dnetinit.sock":     "600",
		"/var/run/docker.sock":            "660",
		"/run/containerd/containerd.sock": "660",
		"/var/lib/etcd":                   "700",
	} {
		if got := strings.TrimSpace(c.Exec(t, "stat", "--format=%a", path)); got != mode {
			t.Errorf("%s has the mode %s, want %s", path, got, mode)
		}
	}
}

// secret matches what must not be shown: keys, tokens of service accounts and
// of bootstrap.
var secret = regexp.MustCompile(`PRIVATE KEY|client-key-data: *[A-Za-z0-9+/]{16}|eyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.|\b[a-z0-9]{6}\.[a-z0-9]{16}\b`)

func TestNoSecretIsInLogsStatusEventsOrInspect(t *testing.T) {
	c := cluster(t)
	n := c.Namespace(t)
	const word = "Xyzzy-is-the-secret-word"
	n.Kubectl(t, "create", "secret", "generic", "password", "--from-literal=word="+word)
	n.Kubectl(t, "get", "secret", "password", "--output=yaml")
	token := strings.TrimSpace(n.Kubectl(t, "create", "token", "default"))
	if !secret.MatchString(token) {
		t.Errorf("a token is not what it is taken for: %.20s…", token)
	}
	for what, text := range map[string]string{
		"docker logs":           c.Logs(t),
		"docker inspect":        c.Docker(t, "inspect"),
		"dnetinit logs":         c.Exec(t, "dnetinit", "logs"),
		"the log files":         c.Shell(t, "cat /var/log/dnetinit/*.log"),
		"dnetinit status":       c.Exec(t, "dnetinit", "status", "--output=json"),
		"the events":            c.Shell(t, "timeout 2 /root/testapp/app get 'http://dnetinit/v1/events?after=0' /run/dnetinit/dnetinit.sock || true"),
		"the boot's record":     c.Exec(t, "/root/testapp/app", "get", "http://dnetinit/v1/boot", "/run/dnetinit/dnetinit.sock"),
		"the command lines":     c.Shell(t, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"),
		"the readiness file":    c.Exec(t, "cat", "/run/dnetinit/ready"),
		"the cluster's events":  c.Exec(t, "kubectl", "get", "events", "--all-namespaces", "--output=yaml"),
		"the cluster's objects": c.Exec(t, "kubectl", "get", "nodes,pods,configmaps", "--all-namespaces", "--output=yaml"),
	} {
		if len(text) == 0 {
			t.Errorf("%s: there is nothing to look at", what)
		}
		if found := secret.FindString(text); found != "" {
			t.Errorf("%s: there is a secret in it: %.40s…", what, found)
		}
		if strings.Contains(text, word) {
			t.Errorf("%s: there is the content of a Secret in it", what)
		}
	}
}

func TestAddressesAreReadAsTheKernelWritesThem(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"0100007F:094B":                         "tcp 127.0.0.1:2379",
		"00000000000000000000000000000000:192B": "tcp [::]:6443",
		"00000000000000000000000001000000:0035": "tcp [::1]:53",
	} {
		if l, err := parseListener("tcp6", field); err != nil || l.String() != want {
			t.Errorf("%s: got %s, %v, want %s", field, l, err, want)
		}
	}
}
