package phases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/lyft/dockernetes/internal/config"
)

// Client talks to the API server over loopback as a user whom RBAC does not
// restrict. It keeps one connection for all who use it.
type Client struct {
	path string // of the kubeconfig, which is there once the phase kubeconfigs is done

	mu   sync.Mutex
	kube kubernetes.Interface
	http *http.Client
	host string
}

// NewClient returns a client that reads its kubeconfig when it is first used.
func NewClient(c *config.Config) *Client { return &Client{path: c.Path(SuperAdmin)} }

func (cl *Client) connect() error {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.kube != nil {
		return nil
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", cl.path)
	if err != nil {
		return fmt.Errorf("cannot use %s: %w", cl.path, err)
	}
	cfg.UserAgent = "dnetinit"
	cfg.ContentType = runtime.ContentTypeProtobuf
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	cfg.QPS = -1 // no throttling
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return fmt.Errorf("cannot use %s: %w", cl.path, err)
	}
	kube, err := kubernetes.NewForConfigAndClient(cfg, httpClient)
	if err != nil {
		return fmt.Errorf("cannot use %s: %w", cl.path, err)
	}
	cl.kube, cl.http, cl.host = kube, httpClient, cfg.Host
	return nil
}

// Kubernetes is the client of the API's objects.
func (cl *Client) Kubernetes() (kubernetes.Interface, error) {
	if err := cl.connect(); err != nil {
		return nil, err
	}
	return cl.kube, nil
}

// Get asks for a path such as /livez, and returns an error that holds the
// answer unless its status is 200.
func (cl *Client) Get(ctx context.Context, path string) error {
	if err := cl.connect(); err != nil {
		return err
	}
	return GetOK(ctx, cl.http, cl.host+path)
}

// GetOK asks for url and returns an error with the first of the answer unless
// its status is 200.
func GetOK(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	const enough = 4 << 10
	text, err := io.ReadAll(io.LimitReader(response.Body, enough))
	if err != nil {
		return fmt.Errorf("cannot read the answer of %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", url, response.Status, notOK(string(text)))
	}
	return nil
}

// notOK returns the lines of a health check's answer that say what is wrong,
// or all of an answer that has no such lines.
func notOK(text string) string {
	var wrong []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "[-]") {
			wrong = append(wrong, strings.TrimSpace(strings.TrimPrefix(line, "[-]")))
		}
	}
	if wrong == nil {
		return strings.TrimSpace(text)
	}
	return strings.Join(wrong, "; ")
}

// watcher is the part of a typed client that watches.
type watcher interface {
	Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)
}

// WatchOne looks at the object called name until missing returns "", and
// returns what missing last said when ctx ends. It does not poll.
func WatchOne[T runtime.Object](ctx context.Context, w watcher, name string, missing func(T) string) error {
	last := fmt.Sprintf("there is no %T %q yet", *new(T), name)
	last = strings.Replace(last, "*v1.", "", 1)
	// Without a resource version a watch begins with the object as it is now.
	events, err := w.Watch(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()})
	if err != nil {
		return err
	}
	defer events.Stop()
	for {
		select {
		case event, open := <-events.ResultChan():
			object, ours := event.Object.(T)
			switch {
			case !open:
				return errors.New(last)
			case !ours:
				return fmt.Errorf("cannot watch: %v", event.Object)
			case event.Type == watch.Deleted:
				last = "it was deleted"
			default:
				if last = missing(object); last == "" {
					return nil
				}
			}
		case <-ctx.Done():
			return errors.New(last)
		}
	}
}
