package bootlog

import (
	"strings"
	"testing"
	"time"
)

func TestSeconds(t *testing.T) {
	tests := map[time.Duration]string{
		-time.Second:            "0.00 s",
		23 * time.Millisecond:   "0.02 s",
		100 * time.Millisecond:  "0.1 s",
		7940 * time.Millisecond: "7.9 s",
		125 * time.Second:       "2m5s",
		26 * time.Hour:          "26h0m0s",
	}
	for d, want := range tests {
		if got := Seconds(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

func TestCleanLetsNothingThroughToATerminal(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain text stays", "etcd: größer ✓", "etcd: größer ✓"},
		{"colours go", "\x1b[1;31merror\x1b[0m", "error"},
		{"titles go", "\x1b]0;owned\x07text", "text"},
		{"an escape sequence that has no end goes", "a\x1b[", "a["},
		{"control characters go, tabs and ends of lines are spaces", "a\tb\r\nc\x00\x08d\n", "a b  cd"},
		{"what is no UTF-8 is marked", "a\xffb", "a?b"},
		{"characters that turn the text around go", "a\u202eb", "ab"},
		{"a long line is cut", strings.Repeat("ü", 1000), strings.Repeat("ü", 399) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Clean(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
