package relaytest

import (
	"testing"
	"time"
)

// pollInterval is how often conditions are looked at: short against what is measured (a GOP is a second), long
// against the cost of looking (a snapshot or an HTTP request).
const pollInterval = 15 * time.Millisecond

// Eventually waits until cond holds and fails the test when it does not within the deadline, counted from now.
// what completes the sentence "timed out waiting for ...".
func Eventually(t testing.TB, deadline time.Duration, what string, cond func() bool) {
	t.Helper()
	if !poll(deadline, cond) {
		t.Fatalf("timed out after %v waiting for %s", deadline, what)
	}
}

// poll reports whether cond came true in time. It looks once more after the deadline, so a machine that stood
// still for a while does not turn a met condition into a failure.
func poll(deadline time.Duration, cond func() bool) bool {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for end := time.Now().Add(deadline); time.Now().Before(end); <-ticker.C {
		if cond() {
			return true
		}
	}
	return cond()
}
