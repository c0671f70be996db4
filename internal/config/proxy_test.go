package config

import (
	"slices"
	"testing"
)

func TestWhatIsInsideTheClusterIsNotAskedByWayOfAProxy(t *testing.T) {
	c := mustLoad(t, testHost, "")
	const inside = "localhost,127.0.0.1,::1,.svc,.cluster.local,10.244.0.0/16,10.96.0.0/12,dockernetes,172.17.0.2"
	tests := map[string]struct {
		env  map[string]string
		want string
	}{
		"no proxy, no variable":    {nil, ""},
		"NO_PROXY alone":           {map[string]string{"NO_PROXY": "x"}, ""},
		"a proxy":                  {map[string]string{"HTTP_PROXY": "http://p"}, inside},
		"a proxy in small letters": {map[string]string{"https_proxy": "http://p"}, inside},
		"the user's comes first":   {map[string]string{"HTTPS_PROXY": "http://p", "NO_PROXY": "a.example, localhost", "no_proxy": "b.example"}, "a.example,localhost,b.example,127.0.0.1,::1,.svc,.cluster.local,10.244.0.0/16,10.96.0.0/12,dockernetes,172.17.0.2"},
	}
	for name, test := range tests {
		got := noProxy(func(name string) string { return test.env[name] }, c)
		var want []string
		if test.want != "" {
			want = []string{"NO_PROXY=" + test.want, "no_proxy=" + test.want}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
