package phases

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const containerdSocket = "unix:///run/containerd/containerd.sock"

// What pods get at the shutdown: their processes have a second to end after
// SIGTERM, and all of it takes no more than two.
const (
	podGrace  = 1 // seconds
	podBudget = 2 * time.Second
)

func dialContainerd() (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient(containerdSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("cannot connect to containerd: %w", err)
	}
	return conn, nil
}

// CRI returns once containerd answers the kubelet's questions, which is a
// little later than when it says that it is ready.
func CRI(ctx context.Context) error {
	conn, err := dialContainerd()
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := cri.NewRuntimeServiceClient(conn).Version(ctx, &cri.VersionRequest{}, grpc.WaitForReady(true)); err != nil {
		return fmt.Errorf("cannot ask containerd's CRI for its version: %w", err)
	}
	return nil
}

// StopPods stops all pods, now that no kubelet starts them again.
func StopPods(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, podBudget)
	defer cancel()
	conn, err := dialContainerd()
	if err != nil {
		return err
	}
	defer conn.Close()
	return stopPods(ctx, cri.NewRuntimeServiceClient(conn))
}

// stopPods stops the containers first, as they get a grace then; with its
// sandbox a container is killed. One that can't be stopped does not keep the
// others from it.
func stopPods(ctx context.Context, runtime cri.RuntimeServiceClient) error {
	containers, err := runtime.ListContainers(ctx, &cri.ListContainersRequest{
		Filter: &cri.ContainerFilter{State: &cri.ContainerStateValue{State: cri.ContainerState_CONTAINER_RUNNING}},
	})
	if err != nil {
		return fmt.Errorf("cannot list the containers of pods: %w", err)
	}
	stopped := all(containers.GetContainers(), func(c *cri.Container) error {
		_, err := runtime.StopContainer(ctx, &cri.StopContainerRequest{ContainerId: c.GetId(), Timeout: podGrace})
		return wrap(err, "container", c.GetMetadata().GetName())
	})
	sandboxes, err := runtime.ListPodSandbox(ctx, &cri.ListPodSandboxRequest{
		Filter: &cri.PodSandboxFilter{State: &cri.PodSandboxStateValue{State: cri.PodSandboxState_SANDBOX_READY}},
	})
	if err != nil {
		return errors.Join(stopped, fmt.Errorf("cannot list the pods: %w", err))
	}
	return errors.Join(stopped, all(sandboxes.GetItems(), func(s *cri.PodSandbox) error {
		_, err := runtime.StopPodSandbox(ctx, &cri.StopPodSandboxRequest{PodSandboxId: s.GetId()})
		return wrap(err, "pod", s.GetMetadata().GetNamespace()+"/"+s.GetMetadata().GetName())
	}))
}

// all calls do for every item at once and joins their errors.
func all[T any](items []T, do func(T) error) error {
	errs := make([]error, len(items))
	var group errgroup.Group
	for i, item := range items {
		group.Go(func() error { errs[i] = do(item); return nil })
	}
	_ = group.Wait() // never an error: they are in errs
	return errors.Join(errs...)
}

func wrap(err error, kind, name string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot stop the %s %s: %w", kind, name, err)
}
