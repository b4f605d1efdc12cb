package config

import "time"

// HLS is the packaging of a stream for browsers.
type HLS struct {
	Enabled bool          // default true
	Segment time.Duration // wished length of a segment, cut at the next keyframe; default 2s
	Window  int           // segments in the playlist, at least; default 6
	Type    string        // HLSAuto, HLSTS or HLSFMP4; default HLSAuto

	DVR     time.Duration // how far back viewers can go while a show is on; default 0: as far as the window
	VODKeep time.Duration // how long the whole show can be watched after its end; default 0: not at all
	DASH    bool          // as well, for players that have no HLS; default false

	// Renditions that browsers may choose from besides the stream itself; default: none.
	Renditions []string
}

// What segments are made of: HLS.Type.
const (
	HLSAuto = "auto" // MPEG-TS, or fragmented MP4 where the codec needs it
	HLSTS   = "ts"   // MPEG-TS
	HLSFMP4 = "fmp4" // fragmented MP4
)

// What is kept of a show has a limit: a playlist of more would be too large to be read again and again.
const (
	longestDVR  = 12 * time.Hour
	longestKeep = 366 * 24 * time.Hour
)

func defaultHLS() HLS {
	return HLS{Enabled: true, Segment: 2 * time.Second, Window: 6, Type: HLSAuto}
}

func (h *HLS) read(s *section, renditions []string) {
	s.flag("enabled", &h.Enabled)
	s.duration("segment", &h.Segment, 500*time.Millisecond, 10*time.Second)
	s.count("window", &h.Window, 2, 1000)
	s.choice("type", &h.Type, HLSAuto, HLSTS, HLSFMP4)
	s.duration("dvr", &h.DVR, 0, longestDVR)
	s.duration("vod_keep", &h.VODKeep, 0, longestKeep)
	s.flag("dash", &h.DASH)
	h.Renditions = readRenditionNames(s, renditions)
	s.close()
}
