package main

import (
	"runtime"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// encoderShare is how much of the machine renditions may cost.
const encoderShare = 0.8

// unable says why an ffmpeg makes no renditions.
func unable(caps ffmpeg.Capabilities) string {
	if caps.Version.AtLeast(5, 1) { // -fps_mode
		return ""
	}
	return "renditions need ffmpeg 5.1, this one is " + caps.Version.Text
}

// budget is how many CPU cores renditions may cost: by default most of the machine, but what the relay itself needs.
func (h *house) budget() float64 {
	if h.cfg.Encoders.Budget > 0 {
		return h.cfg.Encoders.Budget
	}
	return encoderShare * float64(runtime.GOMAXPROCS(0))
}
