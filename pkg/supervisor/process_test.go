package supervisor

import (
	"fmt"
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

func TestTheLinesThatTellWhyAProgramFailed(t *testing.T) {
	stack := slices.Repeat([]string{"main.main()"}, 100)
	numbered := func(n int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprint("line ", i))
		}
		return lines
	}
	tests := []struct {
		name  string
		lines []string
		want  []string
	}{
		{"nothing was written", nil, nil},
		{"a few lines are all told", numbered(3), numbered(3)},
		{"of many the last", numbered(30), numbered(30)[20:]},
		{"of a panic its words, and what came before",
			slices.Concat(numbered(20), []string{"panic: no space left on device", "", "goroutine 1 [running]:", "main.main()"}, stack),
			slices.Concat(numbered(20)[15:], []string{"panic: no space left on device", "", "goroutine 1 [running]:", "main.main()", "main.main()"})},
		{"a panic at the very end", []string{"fatal error: out of memory"}, []string{"fatal error: out of memory"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := telling(tt.lines); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
