package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
)

// tape is a recorder of stream main that keeps what it is asked to do.
type tape struct {
	on    bool
	err   error
	asked []string
}

func (r *tape) Recording(stream string) (httpapi.Recording, error) {
	if stream != "main" {
		return httpapi.Recording{}, httpapi.ErrNoStream
	}
	return httpapi.Recording{Stream: stream, On: r.on, State: output.Running}, nil
}

func (r *tape) Record(stream string, on bool) error {
	if stream != "main" {
		return httpapi.ErrNoStream
	}
	if r.err == nil {
		r.on = on
		r.asked = append(r.asked, map[bool]string{true: "start", false: "stop"}[on])
	}
	return r.err
}

func (r *tape) Clip(_ context.Context, stream string, length time.Duration) (httpapi.Clip, error) {
	if stream != "main" {
		return httpapi.Clip{}, httpapi.ErrNoStream
	}
	r.asked = append(r.asked, "clip "+length.String())
	return httpapi.Clip{File: "main/clips/x.mp4", Seconds: length.Seconds(), Bytes: 5}, r.err
}

func order(r *tape, method, path, body, authorization string) *httptest.ResponseRecorder {
	s := server(&relayed{})
	s.Recorder = r
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, req)
	return w
}

const main, admin = "/api/v1/streams/main/", "Bearer " + token

func TestRecordByHand(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		code               int
		asked              []string
	}{
		{"POST", main + "record?on=true", "", 200, []string{"start"}},
		{"POST", main + "record?on=false", "", 200, []string{"stop"}},
		{"POST", main + "record?on=0", `{"on": true}`, 200, []string{"stop"}},
		{"POST", main + "record", `{"on": true}`, 200, []string{"start"}},
		{"POST", main + "record", `{"on": false}`, 200, []string{"stop"}},
		{"POST", main + "record", `{}`, 400, nil},
		{"POST", main + "record", "", 400, nil},
		{"POST", main + "record", `{"on": "yes"}`, 400, nil},
		{"POST", main + "record", `{"x": "` + strings.Repeat("x", 5000) + `", "on": true}`, 400, nil},
		{"POST", main + "record?on=maybe", "", 400, nil},
		{"POST", "/api/v1/streams/other/record?on=true", "", 404, nil},
		{"GET", main + "record?on=false", "", 200, nil},
		{"GET", "/api/v1/streams/other/record", "", 404, nil},
		{"POST", main + "clip", "", 201, []string{"clip 1m0s"}},
		{"POST", main + "clip?seconds=3600", "", 201, []string{"clip 1h0m0s"}},
		{"POST", main + "clip?seconds=3601", "", 400, nil},
		{"POST", main + "clip?seconds=0", "", 400, nil},
		{"POST", main + "clip?seconds=1e3", "", 400, nil},
		{"POST", "/api/v1/streams/other/clip", "", 404, nil},
		{"GET", main + "clip", "", 405, nil},
	} {
		r := &tape{on: true}
		w := order(r, c.method, c.path, c.body, admin)
		if w.Code != c.code || !slices.Equal(r.asked, c.asked) {
			t.Errorf("%s %s %.40s: %d, asked %q, want %d, %q", c.method, c.path, c.body, w.Code, r.asked, c.code, c.asked)
		}
		if c.code >= 400 && c.code != 405 && !strings.Contains(w.Body.String(), `"error"`) {
			t.Errorf("%s %s: no reason given: %s", c.method, c.path, w.Body)
		}
		var now httpapi.Recording
		if c.code == 200 && (json.Unmarshal(w.Body.Bytes(), &now) != nil || now.Stream != "main" || now.On != r.on) {
			t.Errorf("%s %s answers %s", c.method, c.path, w.Body)
		}
	}
}

func TestRecordingNeedsTheToken(t *testing.T) {
	for _, path := range []string{main + "record?on=true", main + "clip"} {
		for _, authorization := range []string{"", "Bearer ", "Bearer wrong"} {
			r := &tape{}
			if w := order(r, "POST", path, "", authorization); w.Code != http.StatusUnauthorized || len(r.asked) > 0 {
				t.Errorf("%s with %q: %d, asked %q", path, authorization, w.Code, r.asked)
			}
		}
	}
}

func TestRecordingThatCannotBe(t *testing.T) {
	for _, path := range []string{main + "record?on=true", main + "clip"} {
		r := &tape{err: errors.New("no room")}
		if w := order(r, "POST", path, "", admin); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "no room") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestAlarms(t *testing.T) {
	s := show()
	if got := scrape(t, s); got[`restreamd_alarms{}`] != 0 {
		t.Errorf("%v alarms", got[`restreamd_alarms{}`])
	}
	s.Alarms = []httpapi.Alarm{{Stream: "main", Kind: "record", Name: "record", Text: "the disk is full", Since: s.Now}}
	got := scrape(t, s)
	if got[`restreamd_alarms{}`] != 1 || got[`restreamd_alarm{kind="record",name="record",stream="main"}`] != 1 {
		t.Errorf("metrics: %v", got)
	}
	if w := ask(server(&relayed{snapshot: s}), "GET", "/api/v1/status", ""); !strings.Contains(w.Body.String(), `"text": "the disk is full"`) {
		t.Errorf("status: %s", w.Body)
	}
}
