package imageguard

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/containerd/api/events"
	eventsapi "github.com/containerd/containerd/api/services/events/v1"
	"github.com/containerd/containerd/api/types"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

const (
	namespace = "k8s.io"

	// probeTopic is an event of the guard's own: once it comes back, the subscription is known to work.
	probeTopic    = "/dockernetes/imageguard"
	probeInterval = 20 * time.Millisecond

	// tagSettles is how long a deleted tag has to come back by itself. dockerd replaces one in two consecutive calls,
	// some milliseconds apart; the rest is for slow disks.
	tagSettles = 2 * time.Second

	firstRetry = 200 * time.Millisecond
	lastRetry  = 5 * time.Second
)

var topics = []string{
	"/containers/create", "/containers/delete", "/images/create", "/images/update", "/images/delete", probeTopic,
}

// Guard watches containerd's image store and restores what Kubernetes needs of it. Make one with New.
type Guard struct {
	socket    string
	inventory *inventory
	log       *zap.Logger
}

// New returns a guard for the containerd that listens on socket (a path). An image whose name satisfies keep is needed
// whether or not a container uses it; names are as containerd has them, registry and tag included. keep may be nil.
func New(socket string, keep func(ref string) bool, log *zap.Logger) *Guard {
	if keep == nil {
		keep = func(string) bool { return false }
	}
	return &Guard{socket: socket, inventory: newInventory(keep, tagSettles), log: log}
}

// Run guards until ctx ends, and returns nil then. containerd may come later, go and come back: Run waits for it, and
// what it knows of the images survives. It sleeps until containerd reports an event. Run may be called once.
func (g *Guard) Run(ctx context.Context) error {
	retry := backoff.DefaultConfig
	retry.BaseDelay, retry.MaxDelay = firstRetry, lastRetry
	conn, err := grpc.NewClient("unix:"+g.socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: lastRetry}))
	if err != nil {
		return fmt.Errorf("cannot guard images of containerd at %s: %w", g.socket, err)
	}
	defer conn.Close()

	ctx = metadata.AppendToOutgoingContext(ctx, "containerd-namespace", namespace)
	s := newStore(conn)
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		begun := time.Now()
		err := g.watch(ctx, s)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(begun) > lastRetry {
			delay = firstRetry
		}
		g.log.Info("lost sight of containerd's images, looking again", zap.Error(err), zap.Duration("in", delay))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(delay):
		}
	}
}

// watch follows one life of containerd, until an error or the end of ctx.
func (g *Guard) watch(ctx context.Context, s store) error {
	ctx, cancel := context.WithCancel(ctx)
	var receiver sync.WaitGroup
	defer receiver.Wait()
	defer cancel()

	incoming, err := subscribe(ctx, s, &receiver)
	if err != nil {
		return err
	}
	held, err := g.load(ctx, s)
	if err != nil {
		return err
	}
	// The same timer all along: it is armed only while a tag is given time to come back.
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-incoming:
			if r.err != nil {
				return r.err
			}
			if err := g.note(ctx, s, r.event); err != nil {
				return err
			}
		case <-timer.C:
		}
		next, err := g.mend(ctx, s, held)
		if err != nil {
			return err
		}
		timer.Stop()
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// received is what subscribe passes on: an event, or the error that ends the stream.
type received struct {
	event *types.Envelope
	err   error
}

// subscribe returns containerd's events from now on. It waits for containerd to be there.
func subscribe(ctx context.Context, s store, receiver *sync.WaitGroup) (<-chan received, error) {
	request := &eventsapi.SubscribeRequest{}
	for _, topic := range topics {
		request.Filters = append(request.Filters, fmt.Sprintf("namespace==%s,topic==%q", namespace, topic))
	}
	stream, err := s.events.Subscribe(ctx, request, grpc.WaitForReady(true))
	if err != nil {
		return nil, fmt.Errorf("cannot subscribe to containerd's events: %w", err)
	}
	incoming := make(chan received)
	receiver.Go(func() {
		for {
			event, err := stream.Recv()
			if err != nil {
				err = fmt.Errorf("cannot receive containerd's events: %w", err)
			}
			select {
			case incoming <- received{event, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	})
	// containerd doesn't say when a subscription has begun, and what is deleted before would go unnoticed. So send
	// an event until it comes back. What comes before it is in the listing that follows.
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case r := <-incoming:
			if r.err != nil || r.event.GetTopic() == probeTopic {
				return incoming, r.err
			}
		case <-ticker.C:
			_, err := s.events.Publish(ctx, &eventsapi.PublishRequest{
				Topic: probeTopic, Event: &anypb.Any{TypeUrl: "dockernetes.imageguard.probe"},
			})
			if err != nil {
				return nil, fmt.Errorf("cannot publish %s to containerd: %w", probeTopic, err)
			}
		}
	}
}

// load takes stock and returns the digests that the lease holds from before.
func (g *Guard) load(ctx context.Context, s store) (held map[string]bool, err error) {
	users, err := s.listUsers(ctx)
	if err != nil {
		return nil, err
	}
	images, err := s.listImages(ctx)
	if err != nil {
		return nil, err
	}
	g.inventory.reset(images, users, time.Now())
	return s.openLease(ctx)
}

// note enters an event into the inventory.
func (g *Guard) note(ctx context.Context, s store, e *types.Envelope) error {
	var err error
	parse := func(m proto.Message) { err = proto.Unmarshal(e.GetEvent().GetValue(), m) }
	switch e.GetTopic() {
	case "/images/delete":
		var event events.ImageDelete
		parse(&event)
		g.inventory.deleted(event.GetName(), time.Now())
	case "/images/create", "/images/update":
		// Both messages have the name in the same place.
		var event events.ImageCreate
		if parse(&event); err != nil {
			break
		}
		record, err := s.getImage(ctx, event.GetName())
		if err != nil {
			return err
		}
		// Without a record, it has been deleted since, and that event is on its way.
		if record != nil {
			g.inventory.created(record)
		}
	case "/containers/delete":
		var event events.ContainerDelete
		parse(&event)
		g.inventory.removed(event.GetID())
	case "/containers/create":
		var event events.ContainerCreate
		if parse(&event); err != nil {
			break
		}
		names, err := s.getUser(ctx, event.GetID())
		if err != nil {
			return err
		}
		if names != nil {
			g.inventory.started(event.GetID(), names)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot read containerd's event %s: %w", e.GetTopic(), err)
	}
	return nil
}

// mend brings containerd in line with the inventory: the lease and the records that are due. It returns when it is to
// be called next; zero means that there is nothing to wait for.
func (g *Guard) mend(ctx context.Context, s store, held map[string]bool) (next time.Time, err error) {
	records, next := g.inventory.due(time.Now())
	for _, lost := range records {
		record, err := s.restoreImage(ctx, lost)
		switch {
		case errors.Is(err, errContentGone):
			g.log.Error("an image that is needed was deleted", zap.Error(err))
			g.inventory.giveUp(lost.GetName())
		case err != nil:
			return time.Time{}, err
		case record != nil:
			g.log.Info("restored an image that is needed", zap.String("image", record.GetName()))
			g.inventory.created(record)
		}
	}
	// Last, as records that come back by another name no longer hold what they did.
	return next, s.adjustLease(ctx, held, g.inventory.targets())
}
