package upload_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder/upload"
	rt "github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/secret"
)

// Whatever goes wrong with the way to the store is said in words that tell what to do, and gone on from when it is over.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		class upload.Class
		hint  string
		cause func(*bench, *rt.Store)
		end   func(*testing.T, *bench, *rt.Store)
	}{
		{"refused", upload.Refused, "nobody listens", func(_ *bench, s *rt.Store) { s.Refuse() },
			func(t *testing.T, _ *bench, s *rt.Store) { s.Accept(t) }},
		{"busy", upload.Busy, "cannot take it now (503", func(_ *bench, s *rt.Store) { s.Busy() },
			func(_ *testing.T, _ *bench, s *rt.Store) { s.Ready() }},
		{"reset in the middle of a part", upload.Lost, "connection", func(_ *bench, s *rt.Store) { s.ResetAfter(part + part/2) },
			func(*testing.T, *bench, *rt.Store) {}},
		{"changed on its way", upload.Lost, "connection", func(_ *bench, s *rt.Store) { s.CorruptAfter(part + part/2) },
			func(*testing.T, *bench, *rt.Store) {}},
		{"stalled", upload.Lost, "stood still", func(b *bench, s *rt.Store) {
			b.Stall = 2 * time.Second
			s.StallAfter(part + part/2)
		},
			func(_ *testing.T, _ *bench, s *rt.Store) { s.Resume() }},
		{"answer lost", upload.Lost, "connection", func(_ *bench, s *rt.Store) { s.LoseCompletion() },
			func(*testing.T, *bench, *rt.Store) {}},
		{"another's access key", upload.Credentials, "check access_key_file", func(b *bench, _ *rt.Store) {
			b.change(func(to *upload.Target) { to.AccessKey = secret.New("AKSOMEBODYELSE") })
		}, func(_ *testing.T, b *bench, s *rt.Store) {
			b.change(func(to *upload.Target) { to.AccessKey = secret.New(s.AccessKey) })
		}},
		{"a wrong secret key", upload.Credentials, "SignatureDoesNotMatch", func(b *bench, _ *rt.Store) {
			b.change(func(to *upload.Target) { to.SecretKey = secret.New("SKWRONG") })
		}, func(_ *testing.T, b *bench, s *rt.Store) {
			b.change(func(to *upload.Target) { to.SecretKey = secret.New(s.SecretKey) })
		}},
		{"no bucket", upload.NoBucket, "create it", func(_ *bench, s *rt.Store) { _ = s.RemoveBucket() },
			func(_ *testing.T, _ *bench, s *rt.Store) { _ = s.MakeBucket() }},
		{"another region", upload.Region, "set region", func(b *bench, _ *rt.Store) {
			b.change(func(to *upload.Target) { to.Region = "eu-central-1" })
		}, func(_ *testing.T, b *bench, _ *rt.Store) {
			b.change(func(to *upload.Target) { to.Region = "" }) // the store is asked
		}},
		{"no such host", upload.NoHost, "no such host", func(b *bench, _ *rt.Store) {
			b.change(func(to *upload.Target) { to.Endpoint = "http://nowhere.invalid" })
		}, func(_ *testing.T, b *bench, s *rt.Store) {
			b.change(func(to *upload.Target) { to.Endpoint = s.Endpoint })
		}},
		{"no TLS there", upload.TLS, "correct endpoint", func(b *bench, s *rt.Store) {
			b.change(func(to *upload.Target) { to.Endpoint = strings.Replace(s.Endpoint, "http:", "https:", 1) })
		}, func(_ *testing.T, b *bench, s *rt.Store) {
			b.change(func(to *upload.Target) { to.Endpoint = s.Endpoint })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := rt.NewStore(t)
			b := newBench(t, s)
			c.cause(b, s)
			path, content := b.record(t, 2*part+1)
			b.serve(t)
			failed := b.awaitClass(t, c.class)
			if !strings.Contains(failed.Reason, c.hint) || failed.NextTry == nil {
				t.Errorf("%+v", failed)
			}
			t.Logf("%s: %s", failed.Class, failed.Reason)
			c.end(t, b, s)
			b.Retry()
			b.awaitDone(t)
			b.stored(t, s, name, content)
			same(t, path, content)
		})
	}
}

// Answers that the store of these tests does not give.
func TestClasses(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		status int
		class  upload.Class
	}{
		"RequestTimeTooSkewed": {http.StatusForbidden, upload.Clock},
		"AccessDenied":         {http.StatusForbidden, upload.Denied},
		"QuotaExceeded":        {http.StatusForbidden, upload.Full},
		"SlowDown":             {http.StatusServiceUnavailable, upload.Busy},
		"SomethingNew":         {http.StatusBadRequest, upload.Other},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(want.status)
				_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>words</Message></Error>")
			}))
			t.Cleanup(srv.Close)
			b := newBench(t, nil)
			b.target = upload.Target{Endpoint: srv.URL, Bucket: "shows", Region: "x", AccessKey: secret.New("a"), SecretKey: secret.New("b"), PartSize: part}
			b.record(t, 5)
			b.serve(t)
			if s := b.awaitClass(t, want.class); !strings.Contains(s.Reason, code) {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestUnknownAuthority(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	srv.Config.ErrorLog = nil
	b := newBench(t, nil)
	b.target = upload.Target{Endpoint: srv.URL, Bucket: "shows", Region: "x", AccessKey: secret.New("a"), SecretKey: secret.New("b"), PartSize: part}
	b.record(t, 5)
	b.serve(t)
	if s := b.awaitClass(t, upload.TLS); !strings.Contains(s.Reason, "authority") {
		t.Errorf("%+v", s)
	}
}

// A store that stays away is told of once, however often it is tried.
func TestToldOnce(t *testing.T) {
	t.Parallel()
	s := rt.NewStore(t)
	s.Refuse()
	b := newBench(t, s)
	b.record(t, 5)
	b.serve(t)
	rt.Eventually(t, patient, "three tries", func() bool { return b.first(t).Tries >= 3 })
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.seen) != 1 {
		t.Errorf("told %d times: %+v", len(b.seen), b.seen)
	}
}
