package ingest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/secret"
)

// hook is a Webhook at a program of the test.
func hook(t *testing.T, answer http.HandlerFunc) *ingest.Webhook {
	t.Helper()
	web := httptest.NewServer(answer)
	t.Cleanup(web.Close)
	return &ingest.Webhook{URL: web.URL + "/publish?of=ours", Streams: tokenStreams()[2:]}
}

// asks is a request of an encoder for the app of one stream.
func asks(key, query string) ingest.Request {
	return ingest.Request{
		Action: ingest.Publish, App: "else", Key: secret.New(key), Query: secret.New(query),
		TCURL: secret.New("rtmp://relay.example/else"), Agent: "FMLE/3.0 (compatible)",
		Remote: netip.MustParseAddrPort("192.0.2.7:4000"),
	}
}

// The form is what ngx_rtmp_notify_module posts, field by field.
func TestWebhookForm(t *testing.T) {
	session := url.Values{
		"app": {"else"}, "flashver": {"FMLE/3.0 (compatible)"}, "swfurl": {""}, "tcurl": {"rtmp://relay.example/else"},
		"pageurl": {""}, "addr": {"192.0.2.7"}, "clientid": {"4000"}, "name": {"s3cret+key"},
	}
	with := func(more url.Values) url.Values {
		all := url.Values{}
		for _, from := range []url.Values{session, more} {
			for k, v := range from {
				all[k] = v
			}
		}
		return all
	}
	for name, tc := range map[string]struct {
		action ingest.Action
		query  string
		want   url.Values
	}{
		"publish":            {ingest.Publish, "", with(url.Values{"call": {"publish"}, "type": {"live"}})},
		"play":               {ingest.Play, "", with(url.Values{"call": {"play"}})},
		"with a query":       {ingest.Publish, "user=me&pass=a%26b", with(url.Values{"call": {"publish"}, "type": {"live"}, "user": {"me"}, "pass": {"a&b"}})},
		"query against ours": {ingest.Publish, "name=x&addr=127.0.0.1&app=y&call=play&swfurl=z&clientid=1&more=2", with(url.Values{"call": {"publish"}, "type": {"live"}, "more": {"2"}})},
		"query of rubbish":   {ingest.Publish, "a=%zz", with(url.Values{"call": {"publish"}, "type": {"live"}})},
	} {
		t.Run(name, func(t *testing.T) {
			var got url.Values
			var kind, method string
			h := hook(t, func(_ http.ResponseWriter, r *http.Request) {
				kind, method = r.Header.Get("Content-Type"), r.Method
				if r.ParseForm() == nil {
					got = r.PostForm
				}
			})
			r := asks("s3cret+key", tc.query)
			r.Action = tc.action
			grant, err := h.Authorize(t.Context(), r)
			if err != nil || grant.Stream != "other" || grant.Key != "webhook" || grant.Standing {
				t.Errorf("granted %+v, %v", grant, err)
			}
			if method != http.MethodPost || kind != "application/x-www-form-urlencoded" {
				t.Errorf("asked by %s of %q", method, kind)
			}
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("posted\n%v, want\n%v", got, tc.want)
			}
		})
	}
}

func TestWebhookAnswers(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed, with the key")
	}))
	defer elsewhere.Close()
	for code, want := range map[int]error{
		200: nil, 201: nil, 204: nil, 299: nil,
		301: ingest.ErrWebhookNo, 302: ingest.ErrWebhookNo, 307: ingest.ErrWebhookNo, 308: ingest.ErrWebhookNo,
		400: ingest.ErrWebhookNo, 401: ingest.ErrWebhookNo, 403: ingest.ErrWebhookNo, 404: ingest.ErrWebhookNo,
		500: ingest.ErrWebhookNo, 503: ingest.ErrWebhookNo,
	} {
		h := hook(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(code)
		})
		grant, err := h.Authorize(t.Context(), asks("s3cret", ""))
		if !errors.Is(err, want) || (err == nil) != (want == nil) || (grant.Stream == "other") != (want == nil) {
			t.Errorf("%d: granted %+v, %v", code, grant, err)
		}
	}
}

// No answer is a refusal, in time, and the words hold neither the key nor the URL.
func TestWebhookWithoutAnAnswer(t *testing.T) {
	over := make(chan struct{})
	hangs := hook(t, func(http.ResponseWriter, *http.Request) { <-over })
	t.Cleanup(func() { close(over) }) // runs before the server is closed
	gone := httptest.NewServer(nil)
	gone.Close()
	cut := hook(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	for name, h := range map[string]*ingest.Webhook{
		"hangs": hangs, "cut off": cut,
		"refused":  {URL: gone.URL + "/s3cret", Streams: tokenStreams()},
		"no URL":   {URL: "http://s3cret\x7f/", Streams: tokenStreams()},
		"no HTTP":  {URL: "ftp://s3cret.example/", Streams: tokenStreams()},
		"nowhere":  {URL: "", Streams: tokenStreams()},
		"no proto": {URL: "s3cret", Streams: tokenStreams()},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			started := time.Now()
			grant, err := h.Authorize(ctx, asks("s3cret", "x=s3cret"))
			if grant != (ingest.Grant{}) || !errors.Is(err, ingest.ErrWebhookDown) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("granted %+v, %v", grant, err)
			}
			if took := time.Since(started); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestWebhookFindsTheStream(t *testing.T) {
	asked := 0
	h := hook(t, func(http.ResponseWriter, *http.Request) { asked++ })
	h.Streams = tokenStreams() // main and aux share an app
	for _, tc := range []struct{ app, key, stream string }{
		{"live", "main", "main"}, {"live", "aux", "aux"}, {"live", "other", ""}, {"live", "", ""},
		{"else", "anything", "other"}, {"nowhere", "main", ""},
	} {
		before := asked
		r := asks(tc.key, "")
		r.App = tc.app
		grant, err := h.Authorize(t.Context(), r)
		if grant.Stream != tc.stream || (err == nil) != (tc.stream != "") || err != nil && !errors.Is(err, ingest.ErrUnknownKey) {
			t.Errorf("%s/%s: granted %+v, %v", tc.app, tc.key, grant, err)
		}
		if (asked > before) != (tc.stream != "") {
			t.Errorf("%s/%s: asked %d times", tc.app, tc.key, asked-before)
		}
	}
}

// Takeover is by the key that was presented: two encoders the program lets in do not end each other.
func TestWebhookHoldersAreToldApart(t *testing.T) {
	h := hook(t, func(http.ResponseWriter, *http.Request) {})
	var holders []string
	for _, key := range []string{"one", "one", "two"} {
		grant, err := h.Authorize(t.Context(), asks(key, ""))
		if err != nil || strings.Contains(grant.Holder, key) {
			t.Errorf("granted %+v, %v", grant, err)
		}
		holders = append(holders, grant.Holder)
	}
	if holders[0] != holders[1] || holders[0] == holders[2] {
		t.Errorf("holders %q", holders)
	}
}
