package seed

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
)

var made = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const (
	setUID = "11111111-1111-4111-8111-111111111111"
	podUID = "22222222-2222-4222-8222-222222222222"
)

// metaOf is the metadata of an object that has been written by two.
func metaOf(name, uid string) metav1.ObjectMeta {
	at := metav1.NewTime(made)
	return metav1.ObjectMeta{
		Name: name, Namespace: "kube-system", UID: types.UID(uid), CreationTimestamp: at, Generation: 1,
		ManagedFields: []metav1.ManagedFieldsEntry{
			{Manager: "one", Operation: "Update", Time: &at},
			{Manager: "two", Operation: "Update", Subresource: "status", Time: &at},
		},
	}
}

func aSet() *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ReplicaSet"},
		ObjectMeta: metaOf("coredns", setUID),
		Status:     appsv1.ReplicaSetStatus{Replicas: 1, ReadyReplicas: 1, AvailableReplicas: 1, FullyLabeledReplicas: 1, ObservedGeneration: 1},
	}
}

// aPod runs, and belongs to aSet.
func aPod() *corev1.Pod {
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metaOf("coredns-x", podUID),
		Spec:       corev1.PodSpec{NodeName: "dockernetes"},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.244.0.2", HostIP: "172.17.0.2", QOSClass: corev1.PodQOSBurstable,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "coredns", UID: setUID}}
	return pod
}

func encoded(t *testing.T, object runtime.Object) []byte {
	t.Helper()
	var value bytes.Buffer
	if err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(object, &value); err != nil {
		t.Fatal(err)
	}
	return value.Bytes()
}

func decoded[T runtime.Object](t *testing.T, value []byte) T {
	t.Helper()
	object, _, err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Decode(value, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return object.(T)
}

// anAPIService is kept in JSON.
func anAPIService(t *testing.T, uid string) []byte {
	t.Helper()
	value, err := json.Marshal(map[string]any{
		"kind": "APIService", "metadata": map[string]any{"name": "v1.", "uid": uid, "creationTimestamp": made.Format(time.RFC3339)},
		"status": map[string]any{"conditions": []any{map[string]any{"lastTransitionTime": made.Format(time.RFC3339)}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestTheMarksOfAnObjectAreFound(t *testing.T) {
	m, err := find(encoded(t, aPod()))
	if err != nil || m.uid != podUID || len(m.times) != 3 || m.texts != nil {
		t.Errorf("in protobuf: %+v and %v", m, err)
	}
	m, err = find(anAPIService(t, podUID))
	if err != nil || m.uid != podUID || m.times != nil || len(m.texts) != 2 {
		t.Errorf("in JSON: %+v and %v", m, err)
	}
}

func TestWhatIsNoObjectIsAnError(t *testing.T) {
	whole := encoded(t, aPod())
	for name, value := range map[string][]byte{
		"nothing": nil, "text": []byte("text"), "protobuf that is cut off": whole[:len(whole)/2], "only the magic": append(bytes.Clone(magic), 0xff),
	} {
		if m, err := find(value); err == nil {
			t.Errorf("%s: no error, but %+v", name, m)
		}
	}
}

func FuzzFindNeverPanics(f *testing.F) {
	var pod bytes.Buffer
	if err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(aPod(), &pod); err != nil {
		f.Fatal(err)
	}
	f.Add(pod.Bytes())
	f.Add([]byte(`{"metadata":{"uid":"a","creationTimestamp":"2026-01-02T03:04:05Z"}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		m, err := find(value)
		if err != nil {
			return
		}
		for _, at := range m.times {
			if at < 0 || at+lengthOfSeconds > len(value) {
				t.Errorf("a time at %d in %d bytes", at, len(value))
			}
		}
	})
}

func TestWhatWasObservedIsTakenBack(t *testing.T) {
	e, err := reset(entry{"/registry/pods/kube-system/coredns-x", encoded(t, aPod())})
	if err != nil {
		t.Fatal(err)
	}
	pod := decoded[*corev1.Pod](t, e.value)
	if pod.Spec.NodeName != "dockernetes" || pod.Status.Phase != corev1.PodPending || pod.Status.QOSClass != corev1.PodQOSBurstable || pod.Status.PodIP != "" || pod.Status.HostIP != "" {
		t.Errorf("the pod is %+v", pod)
	}
	if c := pod.Status.Conditions; len(c) != 1 || c[0].Type != corev1.PodScheduled || c[0].Status != corev1.ConditionTrue {
		t.Errorf("its conditions are %+v", c)
	}
	if m := pod.ManagedFields; len(m) != 1 || m[0].Manager != "one" {
		t.Errorf("it is managed by %+v", m)
	}

	e, err = reset(entry{"/registry/replicasets/kube-system/coredns", encoded(t, aSet())})
	if err != nil {
		t.Fatal(err)
	}
	if s := decoded[*appsv1.ReplicaSet](t, e.value).Status; s.Replicas != 1 || s.ReadyReplicas != 0 || s.AvailableReplicas != 0 {
		t.Errorf("the replica set's status is %+v", s)
	}

	deployment := &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metaOf("coredns", setUID)}
	deployment.Status = appsv1.DeploymentStatus{Replicas: 1, AvailableReplicas: 1}
	e, err = reset(entry{"/registry/deployments/kube-system/coredns", encoded(t, deployment)})
	if err != nil {
		t.Fatal(err)
	}
	if s := decoded[*appsv1.Deployment](t, e.value).Status; s.Replicas != 0 || s.AvailableReplicas != 0 {
		t.Errorf("the deployment's status is %+v", s)
	}
}

func TestOtherObjectsAreLeftAsTheyAre(t *testing.T) {
	e, err := reset(entry{"/registry/ranges/servicenodeports", []byte("anything")})
	if err != nil || string(e.value) != "anything" {
		t.Errorf("it is %q, and %v", e.value, err)
	}
}

func TestAPodThatHasNoNodeIsRefused(t *testing.T) {
	pod := aPod()
	pod.Spec.NodeName = ""
	if _, err := reset(entry{"/registry/pods/kube-system/coredns-x", encoded(t, pod)}); err == nil {
		t.Error("no error")
	}
}
