package rig

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Docker runs the docker client, for at most five minutes.
func Docker(ctx context.Context, args ...string) Result {
	ctx, cancel := context.WithTimeout(ctx, Patience(5*time.Minute))
	defer cancel()
	return Run(ctx, nil, "docker", args...)
}

// Image is the image under test.
func Image() string {
	if image := os.Getenv("DOCKERNETES_IMAGE"); image != "" {
		return image
	}
	return "lyft/dockernetes:latest"
}

// Missing says what keeps the tests from running: no engine, or no image. It
// is nil where both are there.
var Missing = sync.OnceValue(func() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if r := Docker(ctx, "version", "--format", "{{.Server.Version}}"); r.Code != 0 {
		return fmt.Errorf("no Docker engine answers: %s", lastLines(r.Output(), 1))
	}
	if r := Docker(ctx, "image", "inspect", "--format", "{{.Id}}", Image()); r.Code != 0 {
		return fmt.Errorf("the image %s is not there: make image builds it", Image())
	}
	return nil
})

// Need ends the test where there is nothing to run it against: as a failure
// if a cluster is required, else as a skip.
func Need(t testing.TB) {
	t.Helper()
	err := Missing()
	switch {
	case err == nil:
	case Required():
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// Required tells whether tests may not be skipped for want of an engine.
func Required() bool { return os.Getenv("DOCKERNETES_REQUIRE_CLUSTER") != "" }

// Privileges are the arguments of docker run that give a container what
// Dockernetes asks for: --privileged, or, where the engine refuses that, the
// documented list.
var Privileges = sync.OnceValue(func() []string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r := Docker(ctx, "run", "--rm", "--privileged", "--entrypoint", "/bin/true", Image())
	if r.Code == 0 {
		return []string{"--privileged"}
	}
	fmt.Fprintf(os.Stderr, "the engine refuses --privileged (%s): the documented list is used instead\n", lastLines(r.Output(), 1))
	return DocumentedList()
})

// DocumentedList is what takes the place of --privileged where an engine lacks a capability: each
// capability but SYS_RESOURCE by name, no confinement, every device.
func DocumentedList() []string {
	args := []string{
		"--security-opt", "seccomp=unconfined",
		"--security-opt", "apparmor=unconfined",
		"--security-opt", "systempaths=unconfined",
		"--device-cgroup-rule", "a *:* rwm",
		"--cgroupns=private",
	}
	const capabilities = "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN " +
		"DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN " +
		"MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP " +
		"SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO " +
		"SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
	for _, capability := range strings.Fields(capabilities) {
		args = append(args, "--cap-add", capability)
	}
	return args
}
