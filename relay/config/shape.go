package config

import "github.com/restreamd/restreamd/relay/push"

// Shape is how the media is made to suit the platform.
type Shape struct {
	Rendition  string        // of restreamd.yml; default "": what the publisher sends
	Fit        string        // FitOff, FitAuto or FitStrict; default FitOff
	MaxBitrate int64         // of the video, in bit/s; default 0: the platform's own limit
	Contract   push.Contract // the platform's, under what the file says otherwise; for a URL of one's own what the file says
}

// What is done where the stream breaks the platform's contract: Shape.Fit.
const (
	FitOff    = "off"    // it is pushed as it is
	FitAuto   = "auto"   // what breaks the contract is encoded again, and nothing else
	FitStrict = "strict" // it is not pushed
)

func (sh *Shape) read(s *section, platform string, renditions []string) {
	sh.Fit = FitOff
	s.text("rendition", &sh.Rendition)
	if sh.Rendition != "" {
		if problem, hint := checkRendition(sh.Rendition, renditions); problem != "" {
			s.fail("rendition", problem, hint)
		}
	}
	s.choice("fit", &sh.Fit, FitOff, FitAuto, FitStrict)
	s.bitrate("max_bitrate", &sh.MaxBitrate, 100*kbps, 100*mbps)

	var own push.Contract
	if node := s.take("contract"); node != nil {
		if err := node.Decode(&own); err != nil {
			failPush(s, err, "")
		}
	}
	known, _ := push.Lookup(platform) // one that is not known is reported elsewhere
	sh.Contract = known.Contract.Override(own)
}
