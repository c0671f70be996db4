package control

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLogs(t *testing.T) {
	e := boot(t)
	e.Write(t, "etcd", "first", "second", "third")
	e.Write(t, "dockerd", "fourth")
	c := connect(t, e)
	tests := []struct {
		name string
		q    LogQuery
		want string
	}{
		{"of one service are its lines", LogQuery{Services: []string{"etcd"}, Tail: -1}, "etcd first, etcd second, etcd third"},
		{"can be the last few", LogQuery{Services: []string{"etcd"}, Tail: 2}, "etcd second, etcd third"},
		{"can be none", LogQuery{Services: []string{"etcd"}, Tail: 0}, ""},
		{"of all services are in the order of time", LogQuery{Tail: -1}, "etcd first, etcd second, etcd third, dockerd fourth"},
		{"of all services are the last few of each", LogQuery{Tail: 1}, "etcd third, dockerd fourth"},
		{"of a service that wrote nothing are empty", LogQuery{Services: []string{"kube-apiserver"}, Tail: -1}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			err := c.Logs(soon(t), tt.q, func(l LogLine) error {
				got = append(got, l.Service+" "+l.Text)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLogsOfAnUnknownServiceListTheServices(t *testing.T) {
	err := connect(t, boot(t)).Logs(soon(t), LogQuery{Services: []string{"etcd", "nosuch"}}, nil)
	var e *Error
	if !errors.As(err, &e) || !cmp.Equal(e.Known, []string{"etcd", "kube-apiserver", "dockerd"}) {
		t.Errorf("got %v", err)
	}
}

func TestLogsAreFollowedWithoutAGapOverSeveralServices(t *testing.T) {
	e := boot(t)
	e.Write(t, "etcd", "old", "older than new")
	enough := errors.New("enough")
	var got []string
	err := connect(t, e).Logs(soon(t), LogQuery{Tail: 1, Follow: true}, func(l LogLine) error {
		got = append(got, l.Service+" "+l.Text)
		switch len(got) {
		case 1:
			e.Write(t, "dockerd", "new")
		case 2:
			e.Write(t, "etcd", "newer")
		case 3:
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if diff := cmp.Diff("etcd older than new, dockerd new, etcd newer", strings.Join(got, ", ")); diff != "" {
		t.Error(diff)
	}
}
