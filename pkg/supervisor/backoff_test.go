package supervisor

import (
	"testing"
	"time"
)

func TestDelaysFollowTheCurve(t *testing.T) {
	tests := []struct {
		name     string
		failures int
		random   float64
		want     time.Duration
	}{
		{"the first failure waits half a second", 1, 0, 500 * time.Millisecond},
		{"the second twice as long", 2, 0, time.Second},
		{"the fifth eight seconds", 5, 0, 8 * time.Second},
		{"the sixth sixteen", 6, 0, 16 * time.Second},
		{"the seventh is cut at half a minute", 7, 0, 30 * time.Second},
		{"the thousandth as well", 1000, 0, 30 * time.Second},
		{"jitter adds a tenth at most", 1, 1, 550 * time.Millisecond},
		{"and to the longest wait too", 9, 0.5, 31500 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := delay(tt.failures, tt.random); got != tt.want {
				t.Errorf("delay(%d, %v) = %s, want %s", tt.failures, tt.random, got, tt.want)
			}
		})
	}
}
