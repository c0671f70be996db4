package imageguard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	contentapi "github.com/containerd/containerd/api/services/content/v1"
	eventsapi "github.com/containerd/containerd/api/services/events/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	leasesapi "github.com/containerd/containerd/api/services/leases/v1"
	"github.com/distribution/reference"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	leaseID = "dockernetes-images"

	// Both are set by containerd's CRI plugin: the label on its containers (those of dockerd have none), the
	// annotation in the OCI specification, with the image as the pod names it.
	kindLabel       = "io.cri-containerd.kind"
	imageAnnotation = "io.kubernetes.cri.image-name"
)

// errContentGone says that an image's content is no longer there, so that its record would be an empty promise.
var errContentGone = errors.New("its content is gone")

// store is containerd, as far as the guard needs it.
type store struct {
	containers containersapi.ContainersClient
	content    contentapi.ContentClient
	events     eventsapi.EventsClient
	images     imagesapi.ImagesClient
	leases     leasesapi.LeasesClient
}

func newStore(conn grpc.ClientConnInterface) store {
	return store{
		containers: containersapi.NewContainersClient(conn),
		content:    contentapi.NewContentClient(conn),
		events:     eventsapi.NewEventsClient(conn),
		images:     imagesapi.NewImagesClient(conn),
		leases:     leasesapi.NewLeasesClient(conn),
	}
}

// listImages returns all image records.
func (s store) listImages(ctx context.Context) ([]*imagesapi.Image, error) {
	reply, err := s.images.List(ctx, &imagesapi.ListImagesRequest{})
	if err != nil {
		return nil, fmt.Errorf("cannot list images: %w", err)
	}
	return reply.GetImages(), nil
}

// getImage returns the record of that name, nil if there is none.
func (s store) getImage(ctx context.Context, name string) (*imagesapi.Image, error) {
	reply, err := s.images.Get(ctx, &imagesapi.GetImageRequest{Name: name})
	if status.Code(err) == codes.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot get image %s: %w", name, err)
	}
	return reply.GetImage(), nil
}

// restoreImage creates the record anew, with the date of its first creation, which `docker image prune --filter until`
// goes by. It returns the record that is there afterwards, which is another one if somebody else was faster.
func (s store) restoreImage(ctx context.Context, record *imagesapi.Image) (*imagesapi.Image, error) {
	_, err := s.content.Info(ctx, &contentapi.InfoRequest{Digest: record.GetTarget().GetDigest()})
	if status.Code(err) == codes.NotFound {
		err = errContentGone
	}
	if err != nil {
		return nil, fmt.Errorf("cannot restore image %s: %w", record.GetName(), err)
	}
	_, err = s.images.Create(ctx, &imagesapi.CreateImageRequest{Image: record, SourceDateEpoch: record.GetCreatedAt()})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return nil, fmt.Errorf("cannot restore image %s: %w", record.GetName(), err)
	}
	return s.getImage(ctx, record.GetName())
}

// listUsers returns the image names that each container of the CRI uses. The containers come one by one, as their
// specifications together can exceed the size of a message.
func (s store) listUsers(ctx context.Context) (map[string][]string, error) {
	stream, err := s.containers.ListStream(ctx, &containersapi.ListContainersRequest{
		Filters: []string{fmt.Sprintf("labels.%q", kindLabel)},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list containers: %w", err)
	}
	users := map[string][]string{}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return users, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot list containers: %w", err)
		}
		users[message.GetContainer().GetID()] = imageNames(message.GetContainer())
	}
}

// getUser returns the image names that a container uses, none if it is gone or not one of the CRI.
func (s store) getUser(ctx context.Context, id string) ([]string, error) {
	reply, err := s.containers.Get(ctx, &containersapi.GetContainerRequest{ID: id})
	if status.Code(err) == codes.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot get container %s: %w", id, err)
	}
	if reply.GetContainer().GetLabels()[kindLabel] == "" {
		return nil, nil
	}
	return imageNames(reply.GetContainer()), nil
}

// imageNames returns the names of a container's image by which the kubelet will ask for it again. The container's own
// record holds any one of the image's names, so the pod's choice is taken from the specification where it is there (a
// sandbox has none).
func imageNames(c *containersapi.Container) []string {
	var spec struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(c.GetSpec().GetValue(), &spec); err != nil || spec.Annotations[imageAnnotation] == "" {
		return []string{c.GetImage()}
	}
	// The name as it is serves pods that name an image by its ID, sha256:….
	name := spec.Annotations[imageAnnotation]
	names := []string{name}
	if ref, err := reference.ParseDockerRef(name); err == nil && ref.String() != name {
		names = append(names, ref.String())
	}
	return names
}

// openLease makes the lease if need be and returns the digests that it holds already. It has no expiry.
func (s store) openLease(ctx context.Context) (map[string]bool, error) {
	_, err := s.leases.Create(ctx, &leasesapi.CreateRequest{ID: leaseID})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return nil, fmt.Errorf("cannot create lease %s: %w", leaseID, err)
	}
	reply, err := s.leases.ListResources(ctx, &leasesapi.ListResourcesRequest{ID: leaseID})
	if err != nil {
		return nil, fmt.Errorf("cannot list the resources of lease %s: %w", leaseID, err)
	}
	held := map[string]bool{}
	for _, r := range reply.GetResources() {
		held[r.GetID()] = true
	}
	return held, nil
}

// adjustLease makes the lease hold the wanted digests and no others, and keeps the account in held. A digest is that of
// an image's manifest or index: what it refers to, down to the unpacked snapshots, is held with it.
func (s store) adjustLease(ctx context.Context, held, wanted map[string]bool) error {
	resource := func(digest string) *leasesapi.Resource { return &leasesapi.Resource{ID: digest, Type: "content"} }
	for digest := range wanted {
		if held[digest] {
			continue
		}
		_, err := s.leases.AddResource(ctx, &leasesapi.AddResourceRequest{ID: leaseID, Resource: resource(digest)})
		if err != nil {
			return fmt.Errorf("cannot add %s to lease %s: %w", digest, leaseID, err)
		}
		held[digest] = true
	}
	for digest := range held {
		if wanted[digest] {
			continue
		}
		_, err := s.leases.DeleteResource(ctx, &leasesapi.DeleteResourceRequest{ID: leaseID, Resource: resource(digest)})
		if err != nil && status.Code(err) != codes.NotFound {
			return fmt.Errorf("cannot remove %s from lease %s: %w", digest, leaseID, err)
		}
		delete(held, digest)
	}
	return nil
}
