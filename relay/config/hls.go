package config

import "time"

// HLS is the packaging of a stream for browsers.
type HLS struct {
	Enabled bool          // default true
	Segment time.Duration // wished length of a segment, cut at the next keyframe; default 2s
	Window  int           // segments in the playlist; default 6

	// Renditions that browsers may choose from besides the stream itself; default: none.
	Renditions []string
}

func defaultHLS() HLS { return HLS{Enabled: true, Segment: 2 * time.Second, Window: 6} }

func (h *HLS) read(s *section, renditions []string) {
	s.flag("enabled", &h.Enabled)
	s.duration("segment", &h.Segment, 500*time.Millisecond, 10*time.Second)
	s.count("window", &h.Window, 2, 1000)
	h.Renditions = readRenditionNames(s, renditions)
	s.close()
}
