package ingest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// rings are keyrings of main and aux, with the studio's key on one of them, or none.
func rings(revoke bool, on string, expires time.Time) ingest.Doors {
	main := ingest.Stream{Name: "main", App: "live", Revoke: revoke, Keys: []ingest.Key{key("field", fieldKey)}}
	aux := ingest.Stream{Name: "aux", App: "live", Revoke: revoke}
	studio := key("studio", studioKey)
	studio.Expires = expires
	switch on {
	case "main":
		main.Keys = append(main.Keys, studio)
	case "aux":
		aux.Keys = append(aux.Keys, studio)
	}
	return ingest.Doors{ingest.NewKeyring([]ingest.Stream{main, aux})}
}

// A key that is withdrawn ends its publisher within 2 s, if the stream says so.
func TestWithdrawnKeys(t *testing.T) {
	var never time.Time
	for name, tc := range map[string]struct {
		before, after func() ingest.Authorizer
		why           string // "": it goes on
	}{
		"removed":            {func() ingest.Authorizer { return rings(true, "main", never) }, func() ingest.Authorizer { return rings(true, "", never) }, "withdrawn: unknown stream key"},
		"to another stream":  {func() ingest.Authorizer { return rings(true, "main", never) }, func() ingest.Authorizer { return rings(true, "aux", never) }, "withdrawn: unknown stream key"},
		"expired":            {func() ingest.Authorizer { return rings(true, "main", time.Now().Add(10*time.Second)) }, nil, "withdrawn: this stream key has expired"},
		"set to expire":      {func() ingest.Authorizer { return rings(true, "main", never) }, func() ingest.Authorizer { return rings(true, "main", time.Now()) }, "withdrawn: this stream key has expired"},
		"still there":        {func() ingest.Authorizer { return rings(true, "main", never) }, func() ingest.Authorizer { return rings(true, "main", time.Now().Add(time.Hour)) }, ""},
		"removed, may stay":  {func() ingest.Authorizer { return rings(false, "main", never) }, func() ingest.Authorizer { return rings(false, "", never) }, ""},
		"expired, may stay":  {func() ingest.Authorizer { return rings(false, "main", time.Now().Add(10*time.Second)) }, nil, ""},
		"may stay since now": {func() ingest.Authorizer { return rings(true, "main", never) }, func() ingest.Authorizer { return rings(false, "main", never) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var lock ingest.Lock
			inBubble(t, func(b *bubble) {
				lock.Change(tc.before())
				c := b.dial().handshake().connect("live").publish(studioKey)
				var ended time.Time
				for i, begun := 0, time.Now(); i < 20; i++ {
					time.Sleep(time.Second)
					if time.Since(begun) == 10*time.Second && tc.after != nil {
						lock.Change(tc.after())
					}
					message, fields := b.last()
					if message != "publisher gone" {
						c.write(frame(i))
						continue
					}
					ended = time.Now()
					if took := ended.Sub(begun) - 10*time.Second; tc.why == "" || took < 0 || took > 2*time.Second {
						t.Errorf("ended after %v: %v", took, fields)
					}
					if reason, _ := fields["reason"].(string); !strings.HasPrefix(reason, "the stream key was "+tc.why) || fields["code"] != "revoked" {
						t.Errorf("ended with %v, want %s", fields, tc.why)
					}
					break
				}
				if tc.why != "" && ended.IsZero() {
					t.Error("goes on")
				}
				c.Close()
				b.last()
			}, func(s *ingest.Server) { s.Auth = &lock })
		})
	}
}

// A removed key opens nothing from then on, and a new one does at once, while the show goes on.
func TestKeysChangeUnderAShow(t *testing.T) {
	t.Parallel()
	var lock ingest.Lock
	lock.Change(rings(false, "main", time.Time{}))
	h := serve(t, func(s *ingest.Server) { s.Auth = &lock })
	first := publisher(t, h, studioKey)
	lock.Change(rings(false, "", time.Time{}))
	if code, _ := dial(t, h).handshake().connect("live").ask(studioKey); code != "NetStream.Publish.Denied" {
		t.Errorf("a removed key is answered %s", code)
	}
	first.write(frames(0, 3)...)
	h.arrived(t, 3)
	first.goodbye()
	publisher(t, h, fieldKey).write(frames(0, 1)...)
	h.arrived(t, 1)
}

// An encoder that stands still with its connection open, as a lost network leaves it: the same key takes over at once,
// the session goes on, and another key waits its turn.
func TestTakeoverFromAFrozenEncoder(t *testing.T) {
	t.Parallel()
	h := serve(t)
	v := h.watch(t, "main")
	frozen := relaytest.Publish(t, h.url("live/"+studioKey), show(t))
	h.arrived(t, 20)
	frozen.Freeze()
	session, _ := h.hub.Stream("main").Session()
	other := dial(t, h).handshake().connect("live")
	if code, description := other.ask(fieldKey); code != "NetStream.Publish.BadName" {
		t.Errorf("another key was answered %s: %s", code, description)
	}
	h.wantReason(t, "publisher refused", other.name(), `with key "studio"`)

	started := time.Now()
	fresh := publisher(t, h, studioKey)
	fresh.write(frames(0, 3)...)
	h.arrived(t, 3)
	h.wantReason(t, "publisher gone", "", "replaced: the same key published again")
	took := time.Since(started)
	t.Logf("taken over in %v", took)
	if took > time.Second {
		t.Errorf("taken over in %v", took)
	}
	if now, on := h.hub.Stream("main").Session(); !on || now != session {
		t.Errorf("session of %v, %t, want that of %v to go on", now, on, session)
	}
	fresh.goodbye()
	if got := v.media(t); len(got) < 23 || got[len(got)-1] != string(frame(2).Body) {
		t.Errorf("%d packets", len(got))
	}
}
