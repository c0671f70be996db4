package phases

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// fakeRuntime has two containers in two pods, and notes what is stopped.
type fakeRuntime struct {
	cri.RuntimeServiceClient
	refuse string // the container that can't be stopped

	mu      sync.Mutex
	stopped []string
}

func (f *fakeRuntime) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = append(f.stopped, what)
}

func (f *fakeRuntime) ListContainers(_ context.Context, r *cri.ListContainersRequest, _ ...grpc.CallOption) (*cri.ListContainersResponse, error) {
	if r.Filter.State.State != cri.ContainerState_CONTAINER_RUNNING {
		return nil, errors.New("asked for those that do not run")
	}
	return &cri.ListContainersResponse{Containers: []*cri.Container{
		{Id: "c1", Metadata: &cri.ContainerMetadata{Name: "one"}}, {Id: "c2", Metadata: &cri.ContainerMetadata{Name: "two"}},
	}}, nil
}

func (f *fakeRuntime) StopContainer(_ context.Context, r *cri.StopContainerRequest, _ ...grpc.CallOption) (*cri.StopContainerResponse, error) {
	if r.ContainerId == f.refuse {
		return nil, errors.New("it does not want to")
	}
	f.note(r.ContainerId)
	return &cri.StopContainerResponse{}, nil
}

func (f *fakeRuntime) ListPodSandbox(context.Context, *cri.ListPodSandboxRequest, ...grpc.CallOption) (*cri.ListPodSandboxResponse, error) {
	return &cri.ListPodSandboxResponse{Items: []*cri.PodSandbox{
		{Id: "p1", Metadata: &cri.PodSandboxMetadata{Name: "a"}}, {Id: "p2", Metadata: &cri.PodSandboxMetadata{Name: "b"}},
	}}, nil
}

func (f *fakeRuntime) StopPodSandbox(_ context.Context, r *cri.StopPodSandboxRequest, _ ...grpc.CallOption) (*cri.StopPodSandboxResponse, error) {
	f.note(r.PodSandboxId)
	return &cri.StopPodSandboxResponse{}, nil
}

func TestPodsAreStoppedContainersFirst(t *testing.T) {
	f := &fakeRuntime{}
	mustDo(t, stopPods(t.Context(), f))
	slices.Sort(f.stopped[:2])
	slices.Sort(f.stopped[2:])
	if want := []string{"c1", "c2", "p1", "p2"}; !slices.Equal(f.stopped, want) {
		t.Errorf("stopped: %v", f.stopped)
	}
}

func TestAContainerThatCannotBeStoppedDoesNotKeepTheOthers(t *testing.T) {
	f := &fakeRuntime{refuse: "c1"}
	err := stopPods(t.Context(), f)
	if err == nil || !strings.Contains(err.Error(), "cannot stop the container one: it does not want to") {
		t.Errorf("the error is %v", err)
	}
	slices.Sort(f.stopped)
	if want := []string{"c2", "p1", "p2"}; !slices.Equal(f.stopped, want) {
		t.Errorf("stopped: %v", f.stopped)
	}
}
