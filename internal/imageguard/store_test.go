package imageguard

import (
	"errors"
	"slices"
	"testing"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	"google.golang.org/protobuf/types/known/anypb"
)

func TestImageNamesOfAContainer(t *testing.T) {
	tests := []struct {
		name string
		spec string
		want []string
	}{
		{
			name: "a sandbox uses the image of its record",
			spec: `{"annotations":{"io.kubernetes.cri.container-type":"sandbox"}}`,
			want: []string{"recorded:1"},
		},
		{
			name: "a specification that can't be read leaves the image of the record",
			spec: `not JSON`,
			want: []string{"recorded:1"},
		},
		{
			name: "a short name is looked for in full as well",
			spec: `{"annotations":{"io.kubernetes.cri.image-name":"nginx"}}`,
			want: []string{"nginx", "docker.io/library/nginx:latest"},
		},
		{
			name: "a full name stays",
			spec: `{"annotations":{"io.kubernetes.cri.image-name":"registry.example:5000/a/b:1"}}`,
			want: []string{"registry.example:5000/a/b:1"},
		},
		{
			name: "a name that is no reference stays",
			spec: `{"annotations":{"io.kubernetes.cri.image-name":"Not A Name"}}`,
			want: []string{"Not A Name"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &containersapi.Container{Image: "recorded:1", Spec: &anypb.Any{Value: []byte(test.spec)}}
			if got := imageNames(c); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestStoreDoesNotRestoreARecordWithoutContent(t *testing.T) {
	c := startContainerd(t)
	manifest, _ := c.image("app", app)
	before := c.get(app)
	c.delete(app)
	if c.hasContent(manifest) {
		t.Fatal("the content is still there")
	}
	if _, err := c.client.restoreImage(c.ctx(), before); !errors.Is(err, errContentGone) {
		t.Errorf("restoring it returned %v", err)
	}
	if c.get(app) != nil {
		t.Error("the record is back")
	}
}

func TestStoreLeavesARecordThatSomebodyElseRestored(t *testing.T) {
	c := startContainerd(t)
	older, _ := c.image("older", app)
	before := c.get(app)
	c.image("newer", alias)
	newer := c.get(alias).GetTarget().GetDigest()
	c.create("docker.io/library/other:1", older)
	c.delete(app)
	c.create(app, newer)
	got, err := c.client.restoreImage(c.ctx(), before)
	if err != nil {
		t.Fatal(err)
	}
	if got.GetTarget().GetDigest() != newer {
		t.Errorf("got %v, want the newer one", got)
	}
}

func TestStoreFindsOnlyContainersOfTheCRI(t *testing.T) {
	c := startContainerd(t)
	c.container("pod", app, app)
	_, err := c.client.containers.Create(c.ctx(), &containersapi.CreateContainerRequest{
		Container: &containersapi.Container{
			ID: "docker", Image: alias, Runtime: &containersapi.Container_Runtime{Name: "x"},
			Spec: &anypb.Any{TypeUrl: "x", Value: []byte("{}")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	users, err := c.client.listUsers(c.ctx())
	if err != nil || len(users) != 1 || users["pod"] == nil {
		t.Errorf("got %v, %v", users, err)
	}
	for id, want := range map[string]bool{"pod": true, "docker": false, "none": false} {
		names, err := c.client.getUser(c.ctx(), id)
		if err != nil || (names != nil) != want {
			t.Errorf("%s: got %q, %v", id, names, err)
		}
	}
}
