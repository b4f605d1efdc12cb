package relay

import "time"

// meterWindow is the time over which rates are taken.
const meterWindow = 4 * time.Second

// meter measures what a publisher really sends. All of it is guarded by Stream.mu.
type meter struct {
	total   tally
	window  tally // since from
	from    time.Time
	rates   Rates
	lastKey int64 // raw timestamp of the newest keyframe
	hasKey  bool
	newest  time.Time
}

type tally struct{ bytes, frames, audio int64 }

// Rates is what was measured of a publisher lately.
type Rates struct {
	VideoBitrate int64   `json:"video_bitrate"` // bit/s
	AudioBitrate int64   `json:"audio_bitrate"` // bit/s
	FPS          float64 `json:"fps"`
	// KeyframeInterval is the time between the two newest keyframes, in seconds.
	KeyframeInterval float64 `json:"keyframe_interval"`
}

// count takes a packet as it came: its DTS is still the publisher's own timestamp.
func (m *meter) count(p *Packet) {
	n := int64(len(p.Body))
	m.newest = p.Arrived
	m.total.add(p.Kind, n, p.Slot == 0)
	m.window.add(p.Kind, n, p.Slot == 0)
	if p.Keyframe {
		if m.hasKey {
			m.rates.KeyframeInterval = float64(int32(uint32(p.DTS)-uint32(m.lastKey))) / 1000
		}
		m.lastKey, m.hasKey = p.DTS, true
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
