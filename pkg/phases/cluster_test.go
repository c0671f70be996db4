package phases

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// clientOf is a client of a cluster that is in memory.
func clientOf(kube kubernetes.Interface) *Client { return &Client{kube: kube} }

func TestRBACBindsTheAdminsAndTheAPIServer(t *testing.T) {
	kube := fake.NewClientset()
	for range 2 { // a restart changes nothing
		mustDo(t, RBAC(clientOf(kube))(t.Context()))
	}
	got := map[string]string{}
	bindings, err := kube.RbacV1().ClusterRoleBindings().List(t.Context(), metav1.ListOptions{})
	mustDo(t, err)
	for _, b := range bindings.Items {
		got[b.RoleRef.Name] = b.Subjects[0].Kind + " " + b.Subjects[0].Name
	}
	want := map[string]string{"cluster-admin": "Group kubeadm:cluster-admins", "system:kubelet-api-admin": "User kube-apiserver-kubelet-client"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCoreDNSIsDeployedForOneNodeAndLeftToItsUser(t *testing.T) {
	kube := fake.NewClientset()
	c := testConfig(t, testHost, "")
	mustDo(t, DNS(c, clientOf(kube))(t.Context()))

	deployments := kube.AppsV1().Deployments("kube-system")
	d, err := deployments.Get(t.Context(), "coredns", metav1.GetOptions{})
	mustDo(t, err)
	pod := d.Spec.Template.Spec
	if *d.Spec.Replicas != 1 || pod.Containers[0].Image != "dockernetes.dev/coredns:v1.14.7" || pod.Containers[0].ReadinessProbe.PeriodSeconds != 1 || pod.Affinity != nil {
		t.Errorf("the deployment is %+v", d.Spec)
	}
	service, err := kube.CoreV1().Services("kube-system").Get(t.Context(), "kube-dns", metav1.GetOptions{})
	mustDo(t, err)
	if service.Spec.ClusterIP != "10.96.0.10" {
		t.Errorf("the Service's address is %s", service.Spec.ClusterIP)
	}
	if _, err := kube.CoreV1().ConfigMaps("kube-system").Get(t.Context(), "coredns", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}

	three := int32(3)
	d.Spec.Replicas = &three
	_, err = deployments.Update(t.Context(), d, metav1.UpdateOptions{})
	mustDo(t, err)
	mustDo(t, DNS(c, clientOf(kube))(t.Context()))
	if d, err = deployments.Get(t.Context(), "coredns", metav1.GetOptions{}); err != nil || *d.Spec.Replicas != 3 {
		t.Errorf("a restart changes the user's replicas to %d: %v", *d.Spec.Replicas, err)
	}
}

func TestEveryObjectOfCoreDNSIsKnown(t *testing.T) {
	manifests, err := dnsManifests(testConfig(t, testHost, ""))
	mustDo(t, err)
	if len(manifests) != 6 {
		t.Errorf("there are %d objects, not 6", len(manifests))
	}
	if err := createDNS(t.Context(), fake.NewClientset(), &appsv1.DaemonSet{}); err == nil {
		t.Error("an object of another kind is passed over in silence")
	}
}

func TestTheConfigurationIsStoredForKubeadm(t *testing.T) {
	kube := fake.NewClientset()
	c := testConfig(t, testHost, "")
	for range 2 {
		mustDo(t, KubeadmConfig(c, clientOf(kube))(t.Context()))
	}
	for name, want := range map[string]string{"kubeadm-config": "podSubnet: 10.244.0.0/16", "kubelet-config": "cgroupDriver: cgroupfs"} {
		stored, err := kube.CoreV1().ConfigMaps("kube-system").Get(t.Context(), name, metav1.GetOptions{})
		mustDo(t, err)
		if text := stored.Data["ClusterConfiguration"] + stored.Data["kubelet"]; !strings.Contains(text, want) {
			t.Errorf("%s lacks %q:\n%s", name, want, text)
		}
	}
}

func node(name, address string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}},
	}
}

func TestTheNodeIsRegisteredOnceItHasTheContainersAddress(t *testing.T) {
	c := testConfig(t, testHost, "")
	kube := fake.NewClientset(node("dockernetes", "172.17.0.2"))
	events := watch.NewFake()
	kube.PrependWatchReactor("nodes", clienttesting.DefaultWatchReactor(events, nil))
	go func() {
		events.Add(node("dockernetes", "172.17.0.99")) // of an earlier start
		events.Modify(node("dockernetes", "172.17.0.2"))
	}()
	mustDo(t, Node(c, clientOf(kube))(t.Context()))
	got, err := kube.CoreV1().Nodes().Get(t.Context(), "dockernetes", metav1.GetOptions{})
	mustDo(t, err)
	if _, labelled := got.Labels["node-role.kubernetes.io/control-plane"]; !labelled || len(got.Labels) != 1 {
		t.Errorf("its labels are %v", got.Labels)
	}
}

func TestAWatchThatEndsSaysWhatIsMissing(t *testing.T) {
	kube := fake.NewClientset()
	ctx, cancel := context.WithCancel(t.Context())
	events := watch.NewFake()
	kube.PrependWatchReactor("nodes", clienttesting.DefaultWatchReactor(events, nil))
	look := func(n *corev1.Node) string {
		cancel()
		return wrongAddress(n, "1.2.3.4")
	}
	go events.Add(node("n", "10.0.0.1"))
	err := WatchOne(ctx, kube.CoreV1().Nodes(), "n", look)
	if err == nil || !strings.Contains(err.Error(), "10.0.0.1") {
		t.Errorf("the error is %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	err = WatchOne(cancelled, fake.NewClientset().CoreV1().Nodes(), "n", look)
	if err == nil || err.Error() != `there is no Node "n" yet` {
		t.Errorf("the error is %v", err)
	}
}
