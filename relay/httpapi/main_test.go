package httpapi_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// relayed stands for the relay: it reports what it is given and keeps what it is asked to do.
type relayed struct {
	snapshot httpapi.Snapshot
	past     []httpapi.PastSession
	agrees   bool // there is something to do it to
	asked    []string
}

func (r *relayed) Snapshot() httpapi.Snapshot { return r.snapshot }

func (r *relayed) PastSessions() []httpapi.PastSession { return r.past }

func (r *relayed) Retry(id output.ID) bool {
	r.asked = append(r.asked, "retry "+id.String())
	return r.agrees
}

func (r *relayed) Disconnect(stream string) bool {
	r.asked = append(r.asked, "disconnect "+stream)
	return r.agrees
}

func (r *relayed) Switch(stream, to string) error {
	if stream != "main" || to != "field" {
		return relay.ErrNoPublisher
	}
	return nil
}

const token = "correct horse"

// audience decides who watches: approved is the only token there is.
type audience struct{ terms httpapi.Terms }

const approved = "approved.viewers.token"

func (a audience) Terms(string) httpapi.Terms { return a.terms }

func (a audience) Admit(r *http.Request, _ string) error {
	switch r.URL.Query().Get("token") {
	case approved:
		return nil
	case "other":
		return errors.New("that token is for another stream")
	}
	return httpapi.ErrNoToken
}

func (a audience) Pass(stream string) (httpapi.Pass, error) {
	switch {
	case stream != "main":
		return httpapi.Pass{}, httpapi.ErrNoStream
	case a.terms.Playback != httpapi.PlaybackToken:
		return httpapi.Pass{}, httpapi.ErrNoPass
	}
	return httpapi.Pass{Token: secret.New(approved), Expires: time.Unix(2e9, 0).UTC()}, nil
}

func server(r *relayed) *httpapi.Server {
	return &httpapi.Server{
		Reporter: r, Controller: r, History: r, AdminToken: secret.New(token), Log: zap.NewNop(),
		Viewers: audience{httpapi.Terms{Playback: httpapi.PlaybackPublic}},
		FLV:     http.NotFoundHandler(),
		HLS: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(r.PathValue("stream") + " " + r.PathValue("file")))
		}),
		Thumbnail: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("picture of " + r.PathValue("stream")))
		}),
	}
}

// ask asks a server's routes; authorization may be empty.
func ask(s *httpapi.Server, method, path, authorization string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, nil)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, req)
	return w
}

// show is a relay with a stream on air and one off air.
func show() httpapi.Snapshot {
	since := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	next := since.Add(time.Minute)
	out := func(kind, name string, state output.State) httpapi.Output {
		return httpapi.Output{Status: output.Status{
			ID: output.ID{Stream: "main", Kind: kind, Name: name}, Target: "rtmp://host/app", State: state, Since: since,
			Starts: 3, Failures: 2, Drops: relay.Drops{GOPs: 4, Packets: 120},
			Child: output.Child{Fed: 5000, Lines: []string{"last words"}},
		}}
	}
	twitch, failed := out("push", "twitch", output.Running), out("push", "youtube", output.Retrying)
	twitch.Delivery = &output.Delivery{
		Grade: output.Acked, Since: since, Proved: &next, Sent: 4500, Acked: 4000, Queued: 600, QueueAge: 0.25,
		Bitrate: 6_100_000, RTT: 0.04, Retransmits: 9,
	}
	twitch.Findings = []httpapi.Finding{
		{Code: "keyframes", Breaks: true, Text: "a keyframe every 8 s, at most 4", Fix: "set the keyframe interval to 2 s"},
		{Code: "bitrate", Breaks: true, Text: "7 Mb/s, at most 6", Fix: "lower the bitrate"},
		{Code: "audio", Text: "32 kHz", Fix: "set 48 kHz"},
	}
	failed.Class, failed.Reason, failed.NextTry = output.Rejected, "rejected", &next
	failed.Delivery = &output.Delivery{Grade: output.None, Since: since}
	return httpapi.Snapshot{
		Version: "v1", FFmpeg: "5.1.9", Now: since, Started: since, Ready: true,
		Streams: []httpapi.Stream{{
			StreamStatus: relay.StreamStatus{Name: "main", Live: true, Session: &since, Publisher: &relay.PublisherStatus{
				Key: "studio", Remote: "192.0.2.1:5000", Since: since, Bytes: 123456,
				Rates: relay.Rates{VideoBitrate: 6_000_000, AudioBitrate: 160_000, FPS: 30, KeyframeInterval: 2},
			}},
			Playback: httpapi.PlaybackToken, Outputs: []httpapi.Output{out("record", "record", output.Running), twitch, failed},
		}, {StreamStatus: relay.StreamStatus{Name: "spare"}}},
		Problems: []httpapi.Problem{{Destination: "kick", Error: "kick.yml:2: no key", Kept: true}},
		Encoders: httpapi.Encoders{
			Budget: 6, Used: 2.5,
			Running: []httpapi.Encoder{{Name: "main@720p", Cores: 1.5, For: []string{"twitch"}}, {Name: "main@480p", Cores: 1}},
			Refused: []httpapi.Refusal{{For: "kick", Why: "1080p needs 4 cores"}},
		},
		Uploads: httpapi.Uploads{
			List:   []httpapi.Upload{{Stream: "main", File: "main/a.mp4", State: "retrying", Class: "refused", Reason: "nobody listens", NextTry: &next}},
			States: map[string]int{"waiting": 3, "retrying": 1, "off": 0}, Done: 7, Failures: 2, Sent: 9000,
		},
		Disk: httpapi.Disk{Path: "data", Free: 1 << 30, Total: 1 << 40},
	}
}
