package ingest_test

import (
	"net"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib/pkg/message"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/relaytest"
)

func TestEndsAreToldApart(t *testing.T) {
	t.Parallel()
	reset := func(_ *house, c *client) {
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	for name, tc := range map[string]struct {
		end  func(*house, *client)
		want string
	}{
		"goodbye":      {func(_ *house, c *client) { c.goodbye() }, "the encoder stopped streaming"},
		"deleteStream": {func(_ *house, c *client) { c.command("deleteStream", float64(5), nil, float64(1)) }, "the encoder stopped streaming"},
		"close":        {func(_ *house, c *client) { c.Close() }, "connection closed without a goodbye"},
		"in a message": {func(_ *house, c *client) { _, _ = c.Write([]byte{4, 0, 0}); c.Close() }, "connection closed without a goodbye"},
		"reset":        {reset, "connection reset by peer"},
		"silence":      {func(*house, *client) {}, "idle: no audio or video"},
		"operator":     {func(h *house, _ *client) { h.hub.Stream("main").Disconnect() }, "disconnected by the operator"},
		"hub closed":   {func(h *house, _ *client) { h.hub.Close() }, "stream is closed"},
		"server stop":  {func(h *house, _ *client) { h.stop() }, "the relay is stopping"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			idle := time.Minute
			if name == "silence" {
				idle = 300 * time.Millisecond
			}
			h := serve(t, limits(func(l *ingest.Limits) { l.Idle = idle }))
			v := h.watch(t, "main")
			c := publisher(t, h, studioKey)
			c.write(frames(0, 5)...)
			h.arrived(t, 5)
			tc.end(h, c)
			h.wantReason(t, "publisher gone", c.name(), tc.want)
			if got := v.media(t); len(got) != 5 {
				t.Errorf("relayed %d packets of 5", len(got))
			}
		})
	}
}

// arrived waits until the stream main has so many frames of its present publisher.
func (h *house) arrived(t *testing.T, n int64) {
	t.Helper()
	relaytest.Eventually(t, soon, "frames to arrive", func() bool {
		p := h.hub.Stream("main").Status().Publisher
		return p != nil && p.Frames >= n
	})
}

func TestServerStopsWithPeersInEveryState(t *testing.T) {
	t.Parallel()
	h := serve(t)
	dial(t, h)
	dial(t, h).handshake()
	dial(t, h).handshake().connect("live")
	publisher(t, h, studioKey)
	started := time.Now()
	h.stop()
	if took := time.Since(started); took > time.Second {
		t.Errorf("took %v", took)
	}
}

func TestSameKeyTakesOverADeadConnection(t *testing.T) {
	t.Parallel()
	h := serve(t)
	v := h.watch(t, "main")
	dead := publisher(t, h, studioKey)
	dead.write(frames(0, 3)...)
	h.arrived(t, 3)
	started := time.Now()
	fresh := publisher(t, h, studioKey)
	h.wantReason(t, "publisher gone", dead.name(), "replaced: the same key published again")
	if took := time.Since(started); took > time.Second {
		t.Errorf("took %v", took)
	}
	fresh.write(frames(8, 13)...) // two that nothing could decode, and a keyframe
	fresh.goodbye()
	got := v.media(t)
	want := []string{string(frame(0).Body), string(frame(1).Body), string(frame(2).Body),
		string(frame(10).Body), string(frame(11).Body), string(frame(12).Body)}
	if len(got) != len(want) || got[3] != want[3] || got[5] != want[5] {
		t.Errorf("relayed %q", got)
	}
}

func TestOnlyMediaKeepsAPublisherAlive(t *testing.T) {
	t.Parallel()
	h := serve(t, limits(func(l *ingest.Limits) { l.Idle = 400 * time.Millisecond }))
	c := publisher(t, h, studioKey)
	c.write(frames(0, 1)...)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	nothing := []relay.Packet{{Kind: relay.Video}, {Kind: relay.Audio}, {Kind: relay.Script, Body: []byte("\x02\x00\x01x")}}
	var err error
	for i := 0; err == nil && i < 200; i++ {
		p := nothing[i%len(nothing)]
		err = c.send(message.Type(p.Kind), 0, p.Body)
		<-tick.C
	}
	if err == nil {
		t.Error("still connected")
	}
	h.wantReason(t, "publisher gone", c.name(), "idle: no audio or video")
}
