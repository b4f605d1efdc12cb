package relay

import (
	"slices"
	"time"
)

// meterWindow is the time over which rates are taken.
const meterWindow = 4 * time.Second

// meter measures what a publisher really sends. All of it is guarded by Stream.mu.
type meter struct {
	total   tally
	window  tally // since from
	from    time.Time
	rates   Rates
	lastKey int64 // raw timestamp of the newest keyframe
	keyed   time.Time
	gaps    [8]float64 // newest times between keyframes, a ring
	keys    int
	newest  time.Time
	clocks  [32]clock // by kind
}

// clock is what the timestamps of one kind of media do.
type clock struct {
	at    int64     // the newest
	moved time.Time // when it changed
	came  time.Time // when the newest packet did
	stuck int       // packets since moved
}

const (
	// manyStuck is how many packets of one time are too many to be of several tracks, or commands to the player.
	manyStuck = 10
	// stillComes is how old the newest packet of a track may be that goes on.
	stillComes = 500 * time.Millisecond
)

type tally struct{ bytes, frames, audio int64 }

// Rates is what was measured of a publisher lately.
type Rates struct {
	VideoBitrate int64   `json:"video_bitrate"` // bit/s
	AudioBitrate int64   `json:"audio_bitrate"` // bit/s
	FPS          float64 `json:"fps"`
	// KeyframeInterval is the time between the two newest keyframes, in seconds.
	KeyframeInterval float64 `json:"keyframe_interval"`
	// LongestInterval is the longest of the newest eight of those, and at least the time since the last keyframe:
	// encoders put extra keyframes at changes of scene.
	LongestInterval float64 `json:"longest_keyframe_interval"`
}

// count takes a packet as it came: its DTS is still the publisher's own timestamp.
func (m *meter) count(p *Packet) {
	n := int64(len(p.Body))
	m.newest = p.Arrived
	m.total.add(p.Kind, n, p.Slot == 0)
	m.window.add(p.Kind, n, p.Slot == 0)
	if p.timed() {
		m.clocks[p.Kind&31].count(p)
	}
	if p.Keyframe {
		if m.keys > 0 {
			m.rates.KeyframeInterval = float64(int32(uint32(p.DTS)-uint32(m.lastKey))) / 1000
			m.gaps[m.keys%len(m.gaps)] = m.rates.KeyframeInterval
		}
		m.lastKey, m.keyed = p.DTS, p.Arrived
		m.keys++
	}
	switch age := p.Arrived.Sub(m.from); {
	case m.from.IsZero():
		m.from = p.Arrived
	case age >= meterWindow:
		m.rates.VideoBitrate = perSecond((m.window.bytes-m.window.audio)*8, age)
		m.rates.AudioBitrate = perSecond(m.window.audio*8, age)
		m.rates.FPS = float64(m.window.frames) / age.Seconds()
		m.window, m.from = tally{}, p.Arrived
	}
}

func (c *clock) count(p *Packet) {
	if c.moved.IsZero() || p.DTS != c.at {
		*c = clock{at: p.DTS, moved: p.Arrived, came: p.Arrived}
		return
	}
	c.came = p.Arrived
	c.stuck++
}

// moved is when the publisher's clock last moved; where that of one track stands still while its packets come, when that
// one did. Zero: nothing with a clock has come.
func (m *meter) moved() (at time.Time) {
	for _, c := range m.clocks {
		if c.moved.After(at) {
			at = c.moved
		}
	}
	for _, c := range m.clocks {
		if c.stuck >= manyStuck && c.moved.Before(at) && m.newest.Sub(c.came) < stillComes {
			at = c.moved
		}
	}
	return at
}

// now is what was measured up to a moment.
func (m *meter) now(t time.Time) Rates {
	r := m.rates
	if m.keys > 0 {
		r.LongestInterval = max(slices.Max(m.gaps[:]), t.Sub(m.keyed).Seconds())
	}
	return r
}

func (t *tally) add(k Kind, n int64, media bool) {
	t.bytes += n
	if k == Audio {
		t.audio += n
	}
	if k == Video && media {
		t.frames++
	}
}

func perSecond(n int64, d time.Duration) int64 { return int64(float64(n) / d.Seconds()) }
