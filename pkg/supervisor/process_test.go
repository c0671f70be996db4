package supervisor

import (
	"slices"
	"testing"
)

func TestWhatAServiceFindsInItsEnvironment(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		want []string
	}{
		{"what is addressed to the supervisor is left out", []string{"PATH=/bin", "DNET_CONFIG=secret", "NOTIFY_SOCKET=/s", "LISTEN_FDS=1"}, []string{"PATH=/bin"}},
		{"of a variable that is set twice the last one holds", []string{"NO_PROXY=a", "PATH=/bin", "NO_PROXY=a,b"}, []string{"PATH=/bin", "NO_PROXY=a,b"}},
		{"an empty one is one, too", []string{"A=1", "A="}, []string{"A="}},
	}
	for _, tt := range tests {
		if got := lastOfEach(environment(tt.env)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
