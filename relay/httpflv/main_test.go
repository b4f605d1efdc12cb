package httpflv_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/httpflv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patient is more than anything takes that happens at all.
const patient = 30 * time.Second

var (
	avcHeader = []byte{0x17, 0, 0, 0, 0, 1, 2, 3}
	aacHeader = []byte{0xaf, 0, 0x11, 0x90}
)

func video(body string, key bool) []byte {
	first := byte(0x27)
	if key {
		first = 0x17
	}
	return append([]byte{first, 1, 0, 0, 0}, body...)
}

func audio(body string) []byte { return append([]byte{0xaf, 1}, body...) }

// stage is a hub behind a real server, and who publishes there.
type stage struct {
	hub *relay.Hub
	url string
}

func newStage(t testing.TB, patience time.Duration) stage {
	t.Helper()
	s := stage{hub: relay.NewHub("main")}
	mux := http.NewServeMux()
	mux.Handle("GET /flv/{file}", httpflv.Handler{Hub: s.hub, Patience: patience})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(s.hub.Close)
	s.url = server.URL + "/flv/"
	return s
}

func (s stage) publish(t testing.TB, stream string) *relay.Publication {
	t.Helper()
	p, err := s.hub.Publish(stream, relay.Publisher{Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t testing.TB, p *relay.Publication, kind relay.Kind, ms uint32, body []byte) {
	t.Helper()
	packet, err := flv.Seal(kind, ms, body)
	if err == nil {
		err = p.Write(packet)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, url string) *http.Response {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// tag is a tag as a viewer sees it.
type tag struct {
	kind relay.Kind
	ms   int64
	body string
}

// tags reads so many, or with 0 all to the end.
func tags(t testing.TB, from *flv.Reader, n int) []tag {
	t.Helper()
	var all []tag
	for n == 0 || len(all) < n {
		p, err := from.Read()
		if n == 0 && err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("after %v: %v", all, err)
		}
		all = append(all, tag{p.Kind, p.DTS, string(p.Body)})
	}
	return all
}
