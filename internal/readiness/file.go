package readiness

import (
	"context"

	"go.uber.org/zap"

	"github.com/lyft/dockernetes/pkg/supervisor"
)

// Engine is what a File follows: a running supervisor.
type Engine interface {
	Snapshot() supervisor.Snapshot
	Events(ctx context.Context, after uint64) <-chan supervisor.Event
}

// File keeps the readiness file of one engine.
type File struct {
	Path     string
	Engine   Engine
	Versions map[string]string
	Log      *zap.Logger

	// NotifySocket is the NOTIFY_SOCKET that the container was started with;
	// "" if there is none. Notify sends states of sd_notify there.
	NotifySocket string
	Notify       func(socket string, states ...string) error
}

// Run keeps the file until ctx ends or all units are stopped. Afterwards there
// is no file. Errors with the file are logged and tried again at the next
// change: they must not end PID 1.
func (f *File) Run(ctx context.Context) error {
	defer f.tell("STOPPING=1")
	defer f.remove()
	f.remove() // what a predecessor that was killed has left
	there, told := false, false
	update := func() {
		snap := f.Engine.Snapshot()
		u, _ := snap.Unit(Milestone)
		ready := u.State == supervisor.Ready && !snap.Stopping && ctx.Err() == nil
		switch {
		case ready && !there:
			if err := write(f.Path, report(snap, f.Versions)); err != nil {
				f.Log.Error("the cluster is ready, but cannot say so", zap.Error(err))
				return
			}
			there = true
			if !told {
				told = true
				f.tell("READY=1", "STATUS=Kubernetes is ready")
			}
		case !ready && there:
			there = !f.remove()
		}
	}
	update()
	for range f.Engine.Events(ctx, 0) {
		update()
	}
	return nil
}

// remove removes the file and says whether it is gone.
func (f *File) remove() bool {
	err := Remove(f.Path)
	if err != nil {
		f.Log.Error("the cluster is not ready, but cannot say so", zap.Error(err))
	}
	return err == nil
}

func (f *File) tell(states ...string) {
	if f.NotifySocket == "" || f.Notify == nil {
		return
	}
	if err := f.Notify(f.NotifySocket, states...); err != nil {
		f.Log.Warn("cannot notify the container's engine", zap.String("socket", f.NotifySocket), zap.Error(err))
	}
}
