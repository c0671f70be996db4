package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/lyft/dockernetes/test/rig"
)

// A program on the host works with the cluster through the kubeconfig that
// dnetinit prints, checking the server's certificate.
func TestAClientOnTheHost(t *testing.T) {
	t.Parallel()
	n := namespace(t)
	server := fmt.Sprintf("https://%s:6443", n.Cluster.Address(t))
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(n.Cluster.Exec(t, "dnetinit", "kubeconfig", "--server", server)))
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pods := client.CoreV1().Pods(n.Name)
	watch, err := pods.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "made-by-a-client"},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers: []corev1.Container{{
				Name: "app", Image: rig.AppImage, ImagePullPolicy: corev1.PullNever, Args: []string{"echo", "hello"},
			}},
		},
	}
	if _, err := pods.Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for event := range watch.ResultChan() {
		if seen, is := event.Object.(*corev1.Pod); is && seen.Status.Phase == corev1.PodSucceeded {
			return
		}
	}
	t.Error("the watch ended before the pod did")
}
