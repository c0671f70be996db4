package phases

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubernetes/cmd/kubeadm/app/phases/addons/dns"

	"github.com/lyft/dockernetes/internal/config"
)

// DNS deploys CoreDNS as kubeadm does, with what a single node wants changed.
// What the cluster's user has changed in it stays over a restart.
func DNS(c *config.Config, client *Client) func(context.Context) error {
	return func(ctx context.Context) error {
		kube, err := client.Kubernetes()
		if err != nil {
			return err
		}
		manifests, err := dnsManifests(c)
		if err != nil {
			return fmt.Errorf("cannot make CoreDNS's manifests: %w", err)
		}
		// All at once: the API server does not mind which is first.
		group, ctx := errgroup.WithContext(ctx)
		for _, object := range manifests {
			group.Go(func() error { return createDNS(ctx, kube, object) })
		}
		return group.Wait()
	}
}

// dnsManifests are kubeadm's objects for CoreDNS. kubeadm is asked to print
// them, as its own way of applying them takes ten requests one after another.
func dnsManifests(c *config.Config) ([]runtime.Object, error) {
	var text bytes.Buffer
	const printManifest = true
	if err := dns.EnsureDNSAddon(&c.Init.ClusterConfiguration, nil, "", &text, printManifest); err != nil {
		return nil, err
	}
	// kubeadm ends each document with "---" right after its last line.
	reader := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(bytes.ReplaceAll(text.Bytes(), []byte("---"), []byte("\n---\n")))))
	defer reader.Close()
	var all []runtime.Object
	for {
		document := make([]byte, 64<<10)
		n, err := reader.Read(document)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(bytes.Trim(document[:n], "-\n"))) == 0 {
			continue
		}
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document[:n], nil, nil)
		if err != nil {
			return nil, err
		}
		if deployment, is := object.(*appsv1.Deployment); is {
			fitDNS(deployment)
		}
		if service, is := object.(*corev1.Service); is {
			service.ResourceVersion = "" // which kubeadm needs for an update
		}
		all = append(all, object)
	}
}

// fitDNS changes the Deployment to what one node wants.
func fitDNS(deployment *appsv1.Deployment) {
	one := int32(1)
	deployment.Spec.Replicas = &one
	pod := &deployment.Spec.Template.Spec
	pod.Affinity = nil // there is no other node to prefer
	// Nothing that a user does to the node shall take DNS away.
	pod.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	probe := pod.Containers[0].ReadinessProbe
	probe.PeriodSeconds = 1 // the default is 10: up to 10 s of nothing
	probe.FailureThreshold = 10
}

func createDNS(ctx context.Context, kube kubernetes.Interface, object runtime.Object) error {
	switch o := object.(type) {
	case *corev1.ServiceAccount:
		return create(ctx, kube.CoreV1().ServiceAccounts(o.Namespace), o)
	case *corev1.ConfigMap:
		return create(ctx, kube.CoreV1().ConfigMaps(o.Namespace), o)
	case *corev1.Service:
		return create(ctx, kube.CoreV1().Services(o.Namespace), o)
	case *appsv1.Deployment:
		return create(ctx, kube.AppsV1().Deployments(o.Namespace), o)
	case *rbac.ClusterRole:
		return create(ctx, kube.RbacV1().ClusterRoles(), o)
	case *rbac.ClusterRoleBinding:
		return create(ctx, kube.RbacV1().ClusterRoleBindings(), o)
	}
	return fmt.Errorf("cannot create a %T for CoreDNS: it is not known here", object)
}
