package relay

import "time"

// Limits within which a publisher's clock is believed, in milliseconds. What lies outside is a jump: the encoder
// changed its clock, and the session's time goes on by the wall clock instead.
const (
	maxStep = 10_000 // forward, between two packets
	maxBack = 2_000  // backward: audio and video are interleaved loosely by some encoders
	maxLead = 2_000  // forward, beyond the wall clock, for a single step: bursts run ahead in small ones
)

// timeline maps the 32-bit timestamps of one publisher after the other onto one clock: the session's, in milliseconds
// from its start. RTMP timestamps wrap at 2^32 ms (RTMP 1.0 section 5.3.1.3); only differences are used.
type timeline struct {
	epoch   time.Time // when the session's time was 0
	now     int64     // the session's time: that of the newest packet
	wall    time.Time // when the newest packet came
	raw     uint32    // the newest packet's own timestamp
	synced  bool      // raw belongs to the publisher that feeds now
	started bool
	last    [32]int64 // by kind: no track's time goes back. Script's is that of the newest packet of any kind
	begun   [32]bool  // by kind: last is a packet's
	raws    [32]int64 // by kind: 1 more than the newest timestamp of who feeds now, 0: it has sent none
}

// resync forgets the publisher's clock but not the session's: the next packet may carry any timestamp.
func (t *timeline) resync() { t.synced, t.raws = false, [32]int64{} }

// media returns the session's time of an audio or video packet with timestamp raw that came at wall.
func (t *timeline) media(kind Kind, raw uint32, wall time.Time) int64 {
	switch {
	case !t.started:
		t.started, t.epoch = true, wall
	case !t.synced:
		t.now += max(wall.Sub(t.wall).Milliseconds(), 1)
	default:
		t.now = max(t.now+step(t.raw, raw, wall.Sub(t.wall), t.lag(wall)), 0)
	}
	t.raw, t.wall, t.synced = raw, wall, true
	return t.stamp(kind, raw, t.now)
}

// step is how much later than one packet of a publisher its next one is: by its own clock where that can be believed,
// else by the wall's. lag is how far time may go on and not be ahead of the wall.
func step(from, to uint32, passed, lag time.Duration) int64 {
	ms := int64(int32(to - from))
	if ms > maxStep || ms < -maxBack || ms > max(lag.Milliseconds(), 0)+maxLead {
		return max(passed.Milliseconds(), 1)
	}
	return ms
}

// stamp gives a packet that belongs at dts its time: later than all before of its kind, but for packets that their
// publisher gave the same timestamp, those of several tracks.
func (t *timeline) stamp(kind Kind, raw uint32, dts int64) int64 {
	k, same := kind&31, t.raws[kind&31] == int64(raw)+1
	dts = max(dts, 0)
	if t.begun[k] && (dts < t.last[k] || dts == t.last[k] && !same) {
		dts = t.last[k] + 1
	}
	t.last[k], t.begun[k], t.raws[k] = dts, true, int64(raw)+1
	t.last[Script] = max(t.last[Script], dts)
	return dts
}

// behind reports whether the outputs' track has gone beyond dts.
func (t *timeline) behind(kind Kind, dts int64) bool {
	return t.begun[kind&31] && dts <= t.last[kind&31]
}

// lag is how far the session's time is behind the wall clock's; negative: it is ahead.
func (t *timeline) lag(wall time.Time) time.Duration {
	return wall.Sub(t.epoch) - time.Duration(t.now)*time.Millisecond
}

// Bounds of how far the time of what a stopgap sends first may be from the wall clock's, which it makes up for.
const (
	maxLate  = 10 * time.Second       // it sends as much at once
	maxEarly = 500 * time.Millisecond // it waits so long
)

// freeze attaches a stopgap: at its time 0 outputs have everything.
func (t *timeline) freeze(now time.Time) Freeze {
	due := t.wall.Add(-t.lag(t.wall))
	if oldest := t.wall.Add(-maxLate); due.Before(oldest) {
		due = oldest
	}
	if newest := now.Add(maxEarly); due.After(newest) {
		due = newest
	}
	t.attach(0, t.wall, t.now)
	return Freeze{Since: due, Audio: t.last[Audio] - t.now, Video: t.last[Video] - t.now}
}

// attach says that a publisher's packet with timestamp raw, which came at wall, has its place at: what comes after it is
// placed relative to it.
func (t *timeline) attach(raw uint32, wall time.Time, at int64) {
	if !t.started {
		t.started, t.epoch = true, wall.Add(-time.Duration(at)*time.Millisecond)
	}
	t.now, t.raw, t.wall, t.synced, t.raws = at, raw, wall, true, [32]int64{}
}

// clock is the session's time by the wall clock, and no earlier than it was. One publisher after the other is attached
// by it, so that errors of their clocks do not add up.
func (t *timeline) clock(wall time.Time) int64 {
	if !t.started {
		return 0
	}
	return max(wall.Sub(t.epoch).Milliseconds(), t.now)
}

// current is the session's time of a packet whose own timestamp says nothing: OBS and GStreamer send metadata and
// codec headers with timestamp 0 at any time. It is the time of the track's newest packet, which a header of one track
// must not push ahead to the time of another.
func (t *timeline) current(kind Kind) int64 { return t.last[kind&31] }
