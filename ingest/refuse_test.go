package ingest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bluenviron/gortmplib/pkg/amf0"

	"github.com/restreamd/restreamd/ingest"
)

func connectObject(app string) amf0.Object { return amf0.Object{{Key: "app", Value: app}} }

func TestRefusalsAreToldApart(t *testing.T) {
	t.Parallel()
	const badName, denied = "NetStream.Publish.BadName", "NetStream.Publish.Denied"
	for name, tc := range map[string]struct{ app, key, code, why string }{
		"unknown app":   {"vod", studioKey, badName, "unknown app"},
		"malformed app": {"li ve", studioKey, badName, "malformed app"},
		"unknown key":   {"live", "s3cret-guess", denied, "unknown stream key"},
		"malformed key": {"live", "s3cret/../../etc", badName, "malformed stream key"},
		"endless key":   {"live", "s3cret" + strings.Repeat("x", 1024), badName, "malformed stream key"},
		"no key":        {"live", "", denied, "no stream key"},
		"key as app":    {studioKey + "-longer", "", badName, "malformed app"},
		"long app":      {"s3cret-key-in-the-wrong-field", "x", badName, "unknown app"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t)
			c := dial(t, h).handshake().connect(tc.app)
			if code, description := c.ask(tc.key); code != tc.code || !strings.Contains(description, tc.why) {
				t.Errorf("answered %s: %s, want %s: %s", code, description, tc.code, tc.why)
			}
			h.wantReason(t, "publisher refused", c.name(), tc.why)
			if _, on := h.hub.Stream("main").Session(); on {
				t.Error("a session began")
			}
		})
	}
}

func TestSecondPublisherIsRefused(t *testing.T) {
	t.Parallel()
	h := serve(t)
	v := h.watch(t, "main")
	first := publisher(t, h, studioKey)
	first.write(frames(0, 5)...)
	second := dial(t, h).handshake().connect("live")
	if code, description := second.ask(fieldKey); code != "NetStream.Publish.BadName" || !strings.Contains(description, "another publisher") {
		t.Errorf("answered %s: %s", code, description)
	}
	h.wantReason(t, "publisher refused", second.name(), "another publisher is live")
	first.write(frames(5, 9)...)
	first.goodbye()
	if got := v.media(t); len(got) != 9 {
		t.Errorf("relayed %d packets of 9", len(got))
	}
}

func TestCodecNobodyCouldCarryIsRefused(t *testing.T) {
	t.Parallel()
	h := serve(t, func(s *ingest.Server) {
		s.Carries = func(fourCC string) error {
			if fourCC == "hvc1" {
				return errors.New("HEVC needs a newer ffmpeg")
			}
			return nil
		}
	})
	for name, header := range map[string]string{
		"enhanced":  "\x90hvc1hvcC",
		"legacy":    "\x1c\x00\x00\x00\x00hvcC",
		"in tracks": "\x96\x00hvc1\x00hvcC",
	} {
		t.Run(name, func(t *testing.T) {
			c := publisher(t, h, auxKey)
			c.must(c.send(9, 0, []byte("\x90avc1avcC")))
			c.must(c.send(9, 0, []byte(header)))
			if code, description := c.status(); code != "NetStream.Publish.Rejected" || description != "HEVC needs a newer ffmpeg" {
				t.Errorf("answered %s: %s", code, description)
			}
			h.wantReason(t, "publisher refused", c.name(), "HEVC needs a newer ffmpeg")
		})
	}
	c := publisher(t, h, auxKey)
	c.must(c.send(9, 0, []byte("\x96\x00hvc1\x01hvcC"))) // an extra track may be anything
	c.goodbye()
	h.wantReason(t, "publisher gone", c.name(), "stopped streaming")
}

func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*ingest.Limits)
		why    string
	}{
		"in all":   {func(l *ingest.Limits) { l.Connections = 3 }, "limits.connections"},
		"from one": {func(l *ingest.Limits) { l.PerIP = 3 }, "limits.per_ip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, limits(tc.change))
			v := h.watch(t, "main")
			p := publisher(t, h, studioKey)
			aux := publisher(t, h, auxKey)
			first, second := dial(t, h).handshake(), dial(t, h).handshake()
			h.wantReason(t, "connection ended before a publish", first.name(), "made room")
			second.Close()
			h.wantReason(t, "connection ended before a publish", second.name(), "without a goodbye")

			third := dial(t, h).handshake().connect("live")
			third.command("play", float64(3), nil, studioKey) // whoever is in stays
			third.status()
			fourth := dial(t, h)
			if n, err := fourth.Read(make([]byte, 1)); err == nil {
				t.Errorf("a connection too many was told %d bytes", n)
			}
			h.wantReason(t, "connection refused", fourth.name(), tc.why)
			third.Close()
			h.wantReason(t, "player gone", third.name(), "the player left")
			aux.goodbye()
			h.wantReason(t, "publisher gone", aux.name(), "stopped streaming")
			for i := range 3 { // places are given back
				publisher(t, h, auxKey).goodbye()
				p.write(frames(i, i+1)...)
			}
			p.goodbye()
			if got := v.media(t); len(got) != 3 {
				t.Errorf("relayed %s", fmt.Sprint(got))
			}
		})
	}
}
