package config

import "time"

// Hold is what outputs get while a stream has no publisher, and when a publisher counts as failed.
type Hold struct {
	For       time.Duration // how long a session outlives a publisher that was lost; default 120s; 0: not at all
	AfterStop time.Duration // the same after its goodbye; default 0: the show is over
	Show      string        // HoldFreeze or HoldSlate; default HoldFreeze
	Every     time.Duration // between repeats of the last picture; default 500ms
	Slate     string        // picture or clip, of which two minutes are shown, for HoldSlate; default "": none
	Return    string        // HoldKeyframe or HoldGOP; default HoldKeyframe

	Stall    time.Duration // without media, or with a clock that stands still, a publisher has failed; default 1s
	Floor    int64         // bit/s below which a publisher has failed; default 0: none
	FailBack time.Duration // how long the primary must be well before it feeds again; default 10s; 0: only by hand
}

// What is shown while held (Hold.Show), and from when on a publisher that returns feeds (Hold.Return).
const (
	HoldFreeze   = "freeze"   // the publisher's own last picture
	HoldSlate    = "slate"    // Hold.Slate
	HoldKeyframe = "keyframe" // from its first keyframe
	HoldGOP      = "gop"      // once it has sent a whole GOP
)

// OBS tries again after 2 s × 1.5 each time, so an outage of 80 s ends only at 99 to 118 s: a session is held for 120.
func defaultHold() Hold {
	return Hold{For: 120 * time.Second, Show: HoldFreeze, Every: 500 * time.Millisecond, Return: HoldKeyframe, Stall: time.Second, FailBack: 10 * time.Second}
}

func (h *Hold) read(s *section) {
	s.duration("for", &h.For, 0, time.Hour)
	s.duration("after_stop", &h.AfterStop, 0, time.Hour)
	s.choice("show", &h.Show, HoldFreeze, HoldSlate)
	s.duration("every", &h.Every, 40*time.Millisecond, 5*time.Second)
	s.text("slate", &h.Slate)
	s.choice("return", &h.Return, HoldKeyframe, HoldGOP)
	s.duration("stall", &h.Stall, 250*time.Millisecond, 10*time.Second)
	s.bitrate("floor", &h.Floor, 10*kbps, 100*mbps)
	s.duration("fail_back", &h.FailBack, 0, time.Hour)
	switch {
	case s.broken:
	case h.Show == HoldSlate && h.Slate == "":
		s.fail("show", "no slate is named", "add slate: brb.png, a picture or a clip")
	case h.Slate != "" && h.Show != HoldSlate:
		s.fail("slate", "not shown", "add show: slate")
	}
	s.close()
}
