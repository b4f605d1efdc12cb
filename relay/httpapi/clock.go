package httpapi

import (
	"net/http"
	"time"
)

// ClockPath is where the time is told.
const ClockPath = "/api/v1/clock"

// clock tells the time as DASH players ask for it (urn:mpeg:dash:utc:http-xsdate:2014), on whatever page they are.
func clock(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	_, _ = w.Write([]byte(time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))) // the peer went away
}
