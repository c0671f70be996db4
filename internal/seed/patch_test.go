package seed

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// database is what etcd's file looks like from afar: values, and something
// between them.
func database(t *testing.T) (content []byte, entries []entry) {
	t.Helper()
	entries = []entry{
		{"/registry/replicasets/kube-system/coredns", encoded(t, aSet())},
		{"/registry/pods/kube-system/coredns-x", encoded(t, aPod())},
		{"/registry/apiregistration.k8s.io/apiservices/v1.", anAPIService(t, "33333333-3333-4333-8333-333333333333")},
		{"/registry/ranges/servicenodeports", append(bytes.Clone(magic), "\x12\x02\x0a\x00"...)},
	}
	content = []byte("some pages")
	for _, e := range entries {
		content = append(append(append(content, e.key...), e.value...), "\x00\x00between"...)
	}
	return content, entries
}

// object returns the value of an entry in content, which is as long as it was.
func object(t *testing.T, content []byte, e entry) []byte {
	t.Helper()
	at := bytes.Index(content, []byte(e.key))
	if at < 0 {
		t.Fatalf("%s is not there any more", e.key)
	}
	at += len(e.key)
	return content[at : at+len(e.value)]
}

func TestEachClusterHasUIDsAndTimesOfItsOwn(t *testing.T) {
	original, entries := database(t)
	p, err := places(original, entries)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2027, 5, 6, 7, 8, 9, 0, time.UTC)
	seen := map[string]bool{setUID: true, podUID: true}
	for range 2 {
		content := bytes.Clone(original)
		if err := p.apply(content, now); err != nil {
			t.Fatal(err)
		}
		set := decoded[*appsv1.ReplicaSet](t, object(t, content, entries[0]))
		pod := decoded[*corev1.Pod](t, object(t, content, entries[1]))
		for _, uid := range []string{string(set.UID), string(pod.UID)} {
			if seen[uid] || !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(uid) {
				t.Errorf("a UID is %s", uid)
			}
			seen[uid] = true
		}
		if owner := pod.OwnerReferences[0].UID; owner != set.UID {
			t.Errorf("the pod belongs to %s, and the set is %s", owner, set.UID)
		}
		if !set.CreationTimestamp.Time.Equal(now) || !pod.CreationTimestamp.Time.Equal(now) || !pod.ManagedFields[1].Time.Time.Equal(now) {
			t.Errorf("they were created at %v and %v, and managed at %v", set.CreationTimestamp, pod.CreationTimestamp, pod.ManagedFields[1].Time)
		}
		if pod.Name != "coredns-x" || pod.Status.PodIP != "10.244.0.2" {
			t.Errorf("more has changed: %+v", pod)
		}
		var service struct {
			Metadata struct{ UID, CreationTimestamp string }
		}
		if err := json.Unmarshal(object(t, content, entries[2]), &service); err != nil {
			t.Fatal(err)
		}
		if seen[service.Metadata.UID] || strings.HasPrefix(service.Metadata.UID, "33333333") || service.Metadata.CreationTimestamp != "2027-05-06T07:08:09Z" {
			t.Errorf("in JSON it is %+v", service)
		}
		for _, old := range []string{setUID, podUID, "2026-01-02"} {
			if bytes.Contains(content, []byte(old)) {
				t.Errorf("%s is still there", old)
			}
		}
	}
}

func TestAClockThatIsFarOffDoesNotChangeTheTimes(t *testing.T) {
	content, entries := database(t)
	p, err := places(content, entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.apply(content, time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	if at := decoded[*corev1.Pod](t, object(t, content, entries[1])).CreationTimestamp; !at.Time.Equal(made) {
		t.Errorf("the pod was created at %v", at)
	}
}

func TestAValueMustBeInTheFileOnce(t *testing.T) {
	content, entries := database(t)
	if _, err := places(append(content, entries[1].value...), entries); err == nil || !strings.Contains(err.Error(), entries[1].key) {
		t.Errorf("twice: %v", err)
	}
	if _, err := places(content[:100], entries); err == nil || !strings.Contains(err.Error(), entries[0].key) {
		t.Errorf("not at all: %v", err)
	}
}

func TestAPlaceOutsideOfTheFileIsRefused(t *testing.T) {
	for name, p := range map[string]Patches{
		"a UID behind the end":     {UIDs: [][]int64{{90}}},
		"a UID before the begin":   {UIDs: [][]int64{{-1}}},
		"a time behind the end":    {Times: []int64{96}},
		"a written time out of it": {Texts: []int64{81}},
		"a place that is far, far": {Times: []int64{1 << 40}},
		"a second place of a UID":  {UIDs: [][]int64{{0, 65}}},
	} {
		if err := p.apply(make([]byte, 100), made); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
