package relay

import "time"

// Limits within which a publisher's clock is believed, in milliseconds. What lies outside is a jump: the encoder
// changed its clock, and the session's time goes on by the wall clock instead.
const (
	maxStep = 10_000 // forward, between two packets
	maxBack = 2_000  // backward: audio and video are interleaved loosely by some encoders
)

// timeline maps the 32-bit timestamps of one publisher after the other onto one clock: the session's, in milliseconds
// from its start. RTMP timestamps wrap at 2^32 ms (RTMP 1.0 section 5.3.1.3); only differences are used.
type timeline struct {
	now     int64     // the session's time: that of the newest packet
	wall    time.Time // when the newest packet came
	raw     uint32    // the newest packet's own timestamp
	synced  bool      // raw belongs to the publisher that feeds now
	started bool
	last    [32]int64 // by kind: no track's time goes back. Script's is that of the newest packet of any kind
}

// resync forgets the publisher's clock but not the session's: the next packet may carry any timestamp.
func (t *timeline) resync() { t.synced = false }

// media returns the session's time of an audio or video packet with timestamp raw that came at wall.
func (t *timeline) media(kind Kind, raw uint32, wall time.Time) int64 {
	switch {
	case !t.started:
		t.started = true
	case !t.synced:
		t.now += t.elapsed(wall)
	default:
		step := int64(int32(raw - t.raw))
		if step > maxStep || step < -maxBack {
			step = t.elapsed(wall)
		}
		t.now = max(t.now+step, 0)
	}
	t.raw, t.wall, t.synced = raw, wall, true
	t.monotonic(Script, t.now)
	return t.monotonic(kind, t.now)
}

// current is the session's time of a packet whose own timestamp says nothing: OBS and GStreamer send metadata and
// codec headers with timestamp 0 at any time. It is the time of the track's newest packet, which a header of one track
// must not push ahead to the time of another.
func (t *timeline) current(kind Kind) int64 { return t.last[kind&31] }

func (t *timeline) elapsed(wall time.Time) int64 { return max(wall.Sub(t.wall).Milliseconds(), 1) }

func (t *timeline) monotonic(kind Kind, dts int64) int64 {
	k := kind & 31
	t.last[k] = max(t.last[k], dts)
	return t.last[k]
}
