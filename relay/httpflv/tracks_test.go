package httpflv_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/httpflv"
)

// watcher notes when its answer begins.
type watcher struct {
	*httptest.ResponseRecorder
	begun time.Time
}

func (w *watcher) WriteHeader(code int) {
	w.begun = time.Now()
	w.ResponseRecorder.WriteHeader(code)
}

// The file header names both tracks even where the second is not there yet when the viewer joins. A track that is alone
// is waited for once, when a show begins; later viewers are not kept waiting.
func TestTheSecondTrackIsWaitedFor(t *testing.T) {
	const patience = 200 * time.Millisecond
	for name, tc := range map[string]struct {
		before, after func(testing.TB, *relay.Publication)
		flags         byte
		waited        time.Duration
	}{
		"sound follows": {
			before: func(t testing.TB, p *relay.Publication) { write(t, p, relay.Video, 0, video("k", true)) },
			after:  func(t testing.TB, p *relay.Publication) { write(t, p, relay.Audio, 10, audio("a")) },
			flags:  5,
		},
		"no sound, at the begin": {
			before: func(t testing.TB, p *relay.Publication) { write(t, p, relay.Video, 0, video("k", true)) },
			flags:  1, waited: patience,
		},
		"no sound, later": {
			before: func(t testing.TB, p *relay.Publication) {
				write(t, p, relay.Video, 0, video("k", true))
				write(t, p, relay.Video, 400, video("d", false))
			},
			flags: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hub := relay.NewHub("main")
				p, err := hub.Publish("main", relay.Publisher{Key: "k"})
				if err != nil {
					t.Fatal(err)
				}
				tc.before(t, p)
				r := httptest.NewRequest(http.MethodGet, "/flv/main.flv", nil)
				r.SetPathValue("file", "main.flv")
				w := &watcher{ResponseRecorder: httptest.NewRecorder()}
				asked := time.Now()
				done := make(chan struct{})
				go func() {
					defer close(done)
					httpflv.Handler{Hub: hub}.ServeHTTP(w, r)
				}()
				synctest.Wait()
				if tc.after != nil {
					tc.after(t, p)
				}
				time.Sleep(time.Second) // of the bubble's clock
				hub.Close()
				<-done
				if waited := w.begun.Sub(asked); waited != tc.waited {
					t.Errorf("waited %v, want %v", waited, tc.waited)
				}
				if body := w.Body.Bytes(); len(body) < flv.HeaderSize || body[4] != tc.flags {
					t.Errorf("flags of %q, want %d", body, tc.flags)
				}
			})
		})
	}
}
