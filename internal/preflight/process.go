package preflight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// inits are programs that engines and images put in front of the command.
var inits = []string{"docker-init", "tini", "dumb-init", "catatonit", "podman-init"}

func pid1(_ context.Context, o Options) []Finding {
	if o.pid() == 1 {
		return nil
	}
	first, _ := os.ReadFile(o.path("/proc/1/comm")) // unreadable: without its name
	name := strings.TrimSpace(string(first))
	message := fmt.Sprintf("dnetinit is process %d and has to be process 1, which is %q", o.pid(), name)
	remedy := "Make dnetinit the container's only command: docker run … lyft/dockernetes, with no shell or script in front of it"
	for _, i := range inits {
		if name == i {
			remedy = "Leave out --init (in a compose file: init: true): dnetinit reaps processes and handles signals itself"
		}
	}
	if name == "systemd" || name == "init" {
		remedy = "Leave out --pid=host: the container needs processes of its own"
	}
	return []Finding{{Severity: Error, Message: message, Remedy: remedy}}
}

// capability is one that something in the container needs.
type capability struct {
	bit      uint
	name     string
	why      string
	severity Severity
}

var needed = []capability{
	{unix.CAP_SYS_ADMIN, "SYS_ADMIN", "mounts and namespaces", Error},
	{unix.CAP_NET_ADMIN, "NET_ADMIN", "the network of pods", Error},
	{unix.CAP_NET_RAW, "NET_RAW", "iptables, and what pods get by default", Error},
	{unix.CAP_NET_BIND_SERVICE, "NET_BIND_SERVICE", "what pods get by default", Error},
	{unix.CAP_MKNOD, "MKNOD", "devices, and what pods get by default", Error},
	{unix.CAP_CHOWN, "CHOWN", "unpacking images", Error},
	{unix.CAP_FOWNER, "FOWNER", "unpacking images", Error},
	{unix.CAP_FSETID, "FSETID", "unpacking images", Error},
	{unix.CAP_DAC_OVERRIDE, "DAC_OVERRIDE", "unpacking images", Error},
	{unix.CAP_SETFCAP, "SETFCAP", "unpacking images", Error},
	{unix.CAP_SETUID, "SETUID", "starting containers", Error},
	{unix.CAP_SETGID, "SETGID", "starting containers", Error},
	{unix.CAP_SETPCAP, "SETPCAP", "starting containers", Error},
	{unix.CAP_SYS_CHROOT, "SYS_CHROOT", "starting containers", Error},
	{unix.CAP_KILL, "KILL", "stopping containers", Error},
	{unix.CAP_AUDIT_WRITE, "AUDIT_WRITE", "what pods get by default", Warning},
	{unix.CAP_SYS_PTRACE, "SYS_PTRACE", "the statistics of pods", Warning},
	{unix.CAP_SYSLOG, "SYSLOG", "/dev/kmsg, which the kubelet reads, where the host restricts it", Warning},
	// SYS_RESOURCE is not in the list: everything is set up to do without.
}

func capabilities(_ context.Context, o Options) []Finding {
	effective, err := effectiveCapabilities(o.path("/proc/self/status"))
	if err != nil {
		return []Finding{{Severity: Error, Message: err.Error()}}
	}
	var findings []Finding
	for _, severity := range []Severity{Error, Warning} {
		var missing, options []string
		for _, c := range needed {
			if c.severity == severity && effective&(1<<c.bit) == 0 {
				missing = append(missing, fmt.Sprintf("%s (for %s)", c.name, c.why))
				options = append(options, "--cap-add "+c.name)
			}
		}
		if len(missing) == 0 {
			continue
		}
		findings = append(findings, Finding{Severity: severity,
			Message: "missing: " + strings.Join(missing, ", "),
			Remedy:  "Start the container with --privileged, or give it all that the README's list names, here " + strings.Join(options, " ")})
	}
	return findings
}

func effectiveCapabilities(status string) (uint64, error) {
	text, err := os.ReadFile(status)
	if err != nil {
		return 0, fmt.Errorf("cannot read the capabilities: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			if err != nil {
				return 0, fmt.Errorf("cannot read the capabilities in %s: %w", status, err)
			}
			return set, nil
		}
	}
	return 0, fmt.Errorf("cannot read the capabilities: %s has no CapEff", status)
}

// mounting asks for what the kernel can't do, two kinds of propagation at a
// time, but only once it has found that we may: it says EINVAL then, and
// EPERM or EACCES if a capability, seccomp or AppArmor is against it.
func mounting(_ context.Context, _ Options) []Finding {
	err := unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_PRIVATE, "")
	if err == nil || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return []Finding{{Severity: Error,
		Message: fmt.Sprintf("the container may not mount: %v", err),
		Remedy:  "Start it with --privileged, or with --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined"}}
}

// procSys looks at one parameter that has to be written. A read-only mount is
// mended later by who may mount, so it is no more than a warning then.
func procSys(_ context.Context, o Options) []Finding {
	const parameter = "/proc/sys/net/ipv4/ip_forward"
	err := unix.Access(o.path(parameter), unix.W_OK)
	if err == nil {
		return nil
	}
	if value, _ := os.ReadFile(o.path(parameter)); strings.TrimSpace(string(value)) == "1" {
		return nil // it has the value
	}
	severity := Error
	if set, err := effectiveCapabilities(o.path("/proc/self/status")); err == nil && set&(1<<unix.CAP_SYS_ADMIN) != 0 {
		severity = Warning
	}
	return []Finding{{Severity: severity,
		Message: fmt.Sprintf("%s can't be written: %v", parameter, err),
		Remedy:  "Start the container with --privileged, or with --security-opt systempaths=unconfined"}}
}
