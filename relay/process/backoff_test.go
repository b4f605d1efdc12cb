package process_test

import (
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/process"
)

func TestBackoff(t *testing.T) {
	middle := func() float64 { return 0.5 }
	b := process.Backoff{Min: time.Second, Max: 5 * time.Second, Healthy: time.Minute, Rand: middle}
	for i, step := range []struct{ ran, want time.Duration }{
		{0, time.Second},
		{0, 2 * time.Second},
		{59 * time.Second, 4 * time.Second},
		{0, 5 * time.Second},
		{0, 5 * time.Second},
		{time.Minute, time.Second}, // it was healthy
		{0, 2 * time.Second},
	} {
		if got := b.Next(step.ran); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

func TestBackoffSpread(t *testing.T) {
	for random, want := range map[float64]time.Duration{0: 8 * time.Second, 0.5: 10 * time.Second, 1: 12 * time.Second} {
		b := process.Backoff{Min: 10 * time.Second, Rand: func() float64 { return random }}
		if got := b.Next(0); got != want {
			t.Errorf("random %v: %v, want %v", random, got, want)
		}
	}
}

func TestBackoffDefaults(t *testing.T) {
	var b process.Backoff
	for i := range 100 {
		got := b.Next(0)
		if got < 800*time.Millisecond || got > 72*time.Second {
			t.Fatalf("step %d: %v", i, got)
		}
		if i > 7 && got < 48*time.Second {
			t.Fatalf("step %d: %v, want about a minute", i, got)
		}
	}
}
