package life

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/lyft/dockernetes/pkg/supervisor"
	"github.com/lyft/dockernetes/test/rig"
)

// etcdKills is how often etcd is killed; DOCKERNETES_SOAK makes it 50.
func etcdKills() int {
	if os.Getenv("DOCKERNETES_SOAK") != "" {
		return 50
	}
	return 10
}

// No write that was acknowledged is lost when etcd is killed in the midst of
// it, nor when the whole container is.
func TestNoAcknowledgedWriteIsLostWhenEtcdIsKilled(t *testing.T) {
	t.Parallel()
	c := booted(t)
	api := client(t, c)
	w := &writer{maps: api.CoreV1().ConfigMaps("default")}
	ctx, stopWriting := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for n := range 4 {
		writers.Go(func() { w.write(ctx, n) })
	}
	for kill := range etcdKills() {
		before := w.count.Load()
		var pid int
		rig.Eventually(t, 30*time.Second, func() error { // "kill 0" would be the shell's own
			unit := c.Unit(t, "etcd")
			if pid = unit.PID; unit.State != supervisor.Ready || pid == 0 {
				return fmt.Errorf("etcd is %s, process %d", unit.State, pid)
			}
			return nil
		})
		c.Exec(t, "kill", "-KILL", strconv.Itoa(pid))
		c.Exec(t, "dnetinit", "start", "etcd") // and not after the delay
		// The next kill meets writes again.
		rig.Eventually(t, 30*time.Second, func() error {
			if w.count.Load() < before+20 {
				return fmt.Errorf("after kill %d there are %d writes, and %d more", kill+1, before, w.count.Load()-before)
			}
			return nil
		})
	}
	if unit := c.Unit(t, "etcd"); unit.Restarts < etcdKills() {
		t.Errorf("etcd was restarted %d times", unit.Restarts)
	}
	stopWriting()
	writers.Wait()
	w.check(t)

	// docker restart is a stop and a start, docker kill is no goodbye.
	c.Docker(t, "restart")
	c.Ready(t)
	w.maps = client(t, c).CoreV1().ConfigMaps("default") // the published port may be another
	w.check(t)
	c.Docker(t, "kill", "--signal=KILL")
	c.Docker(t, "start")
	c.Ready(t)
	w.maps = client(t, c).CoreV1().ConfigMaps("default")
	w.check(t)
	t.Logf("%d writes were acknowledged, over %d kills of etcd; none is lost", w.count.Load(), etcdKills())
}

// client talks to the cluster as a user on the host does.
func client(t *testing.T, c *rig.Cluster) *kubernetes.Clientset {
	t.Helper()
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(c.Exec(t, "dnetinit", "kubeconfig", "--server", "https://"+c.Address(t)+":6443")))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst, config.Timeout = 1000, 1000, 5*time.Second
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// configMaps is the part of the API that a writer uses.
type configMaps interface {
	Create(context.Context, *corev1.ConfigMap, metav1.CreateOptions) (*corev1.ConfigMap, error)
	List(context.Context, metav1.ListOptions) (*corev1.ConfigMapList, error)
}

// writer makes objects and remembers which ones it was told are there.
type writer struct {
	maps         configMaps
	acknowledged sync.Map // name: its content
	count        atomic.Int64
}

func (w *writer) write(ctx context.Context, n int) {
	for i := 0; ctx.Err() == nil; i++ {
		name, content := fmt.Sprintf("w%d-%d", n, i), fmt.Sprint(n*i)
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"content": content}}
		// What fails may be there or not: nobody was promised anything.
		if _, err := w.maps.Create(ctx, object, metav1.CreateOptions{}); err == nil {
			w.acknowledged.Store(name, content)
			w.count.Add(1)
		}
	}
}

func (w *writer) check(t *testing.T) {
	t.Helper()
	list, err := w.maps.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]string{}
	for _, object := range list.Items {
		there[object.Name] = object.Data["content"]
	}
	var lost []error
	w.acknowledged.Range(func(name, content any) bool {
		if got, ok := there[name.(string)]; !ok || got != content {
			lost = append(lost, fmt.Errorf("%s: it holds %q, want %q", name, got, content))
		}
		return true
	})
	if len(lost) > 0 {
		t.Errorf("%d of %d acknowledged writes are lost: %v", len(lost), w.count.Load(), errors.Join(lost[:min(5, len(lost))]...))
	}
}
