package httpapi_test

import (
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/httpapi"
)

// The time is nobody's secret, and nothing keeps it.
func TestClock(t *testing.T) {
	w := ask(server(&relayed{}), "GET", httpapi.ClockPath, "")
	at, err := time.Parse(time.RFC3339, w.Body.String())
	if err != nil || time.Since(at).Abs() > time.Minute || at.Location() != time.UTC {
		t.Errorf("%q: %v", w.Body, err)
	}
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%q", h)
	}
}
