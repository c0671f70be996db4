package seed

import (
	"bytes"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

// resetters take back what has happened to an object, by where its kind is
// kept: what is observed in one container is not true in another.
var resetters = map[string]func(runtime.Object) error{
	"pods/":        resetPod,
	"replicasets/": resetReplicaSet,
	"deployments/": resetDeployment,
}

// reset returns the entry as it is in a cluster that has only begun.
func reset(e entry) (entry, error) {
	path := strings.TrimPrefix(e.key, registry)
	for prefix, resetObject := range resetters {
		if !strings.HasPrefix(path, prefix) {
			continue
		}
		codec := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
		object, _, err := codec.Decode(e.value, nil, nil)
		if err != nil {
			return e, fmt.Errorf("cannot decode %s: %w", e.key, err)
		}
		if err := resetObject(object); err != nil {
			return e, fmt.Errorf("cannot put %s into a seed: %w", e.key, err)
		}
		var value bytes.Buffer
		if err := codec.Encode(object, &value); err != nil {
			return e, fmt.Errorf("cannot encode %s: %w", e.key, err)
		}
		e.value = value.Bytes()
	}
	return e, nil
}

// resetPod leaves the pod bound to its node, so that the kubelet starts it as
// soon as it sees it.
func resetPod(object runtime.Object) error {
	pod, is := object.(*corev1.Pod)
	if !is {
		return fmt.Errorf("it is a %T", object)
	}
	if pod.Spec.NodeName == "" {
		return fmt.Errorf("no node has the pod %s yet", pod.Name)
	}
	pod.Status = corev1.PodStatus{
		Phase:    corev1.PodPending,
		QOSClass: pod.Status.QOSClass,
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, ObservedGeneration: pod.Generation},
		},
	}
	withoutStatusManagers(&pod.ObjectMeta)
	return nil
}

func resetReplicaSet(object runtime.Object) error {
	set, is := object.(*appsv1.ReplicaSet)
	if !is {
		return fmt.Errorf("it is a %T", object)
	}
	set.Status = appsv1.ReplicaSetStatus{
		Replicas: set.Status.Replicas, FullyLabeledReplicas: set.Status.FullyLabeledReplicas,
		ObservedGeneration: set.Status.ObservedGeneration,
	}
	withoutStatusManagers(&set.ObjectMeta)
	return nil
}

func resetDeployment(object runtime.Object) error {
	deployment, is := object.(*appsv1.Deployment)
	if !is {
		return fmt.Errorf("it is a %T", object)
	}
	deployment.Status = appsv1.DeploymentStatus{}
	withoutStatusManagers(&deployment.ObjectMeta)
	return nil
}

// withoutStatusManagers forgets who has written the status that is gone.
func withoutStatusManagers(meta *metav1.ObjectMeta) {
	var kept []metav1.ManagedFieldsEntry
	for _, m := range meta.ManagedFields {
		if m.Subresource != "status" {
			kept = append(kept, m)
		}
	}
	meta.ManagedFields = kept
}
