package phases

import (
	"context"
	"fmt"
	"syscall"

	"go.uber.org/zap"

	hostnet "github.com/lyft/dockernetes/pkg/net"
)

// limits are the kernel's limits that a cluster hits first. They are the whole
// host's, so they are only ever raised.
//
// A small cluster has about 120 inotify instances, against a default of 128;
// a log that is followed and each mounted ConfigMap is one more.
var limits = []hostnet.Sysctl{
	{Name: "fs.inotify.max_user_instances", Value: "8192", AtLeast: true},
	{Name: "fs.inotify.max_user_watches", Value: "524288", AtLeast: true},
	{Name: "fs.file-max", Value: "1048576", AtLeast: true},
	{Name: "kernel.pid_max", Value: "131072", AtLeast: true},
	{Name: "kernel.keys.root_maxkeys", Value: "1000000", AtLeast: true},
	{Name: "kernel.keys.root_maxbytes", Value: "25000000", AtLeast: true},
}

// openFiles is how many descriptors PID 1 and all its children shall have, and
// fewFiles is what a cluster that is used for tests has been seen to run out of.
const (
	openFiles = 1 << 20
	fewFiles  = 1 << 14
)

// Limits raises what may be raised. What may not is logged with the command
// that does it on the host, and no error.
func Limits(log *zap.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, s := range limits {
			if err := s.Apply(ctx); err != nil {
				log.Warn("a limit is low and can only be raised on the host",
					zap.String("run", fmt.Sprintf("sysctl -w %s=%s", s.Name, s.Value)), zap.Error(err))
			}
		}
		return apply(ctx, log, optional{descriptors(openFiles)})
	}
}

// descriptors is the limit of open files (RLIMIT_NOFILE). Services and pods
// inherit it.
type descriptors uint64

func (d descriptors) String() string { return fmt.Sprintf("at least %d open files", uint64(d)) }

func (d descriptors) Apply(context.Context) error {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now); err != nil {
		return fmt.Errorf("cannot read the limit of open files: %w", err)
	}
	want := syscall.Rlimit{Cur: uint64(d), Max: max(now.Max, uint64(d))}
	// syscall's Setrlimit and not unix's: it also tells the Go runtime to hand
	// the new limit on to children.
	err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &want)
	if err == nil {
		return nil
	}
	// Only CAP_SYS_RESOURCE raises the hard limit; up to that it is free.
	soft := syscall.Rlimit{Cur: min(now.Max, uint64(d)), Max: now.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &soft); err != nil {
		return fmt.Errorf("cannot set the limit of open files to %d: %w", soft.Cur, err)
	}
	if soft.Cur < fewFiles {
		return fmt.Errorf("cannot set the limit of open files to %d, it is %d: %w: use docker run --ulimit nofile=%d", uint64(d), soft.Cur, err, uint64(d))
	}
	return nil
}
