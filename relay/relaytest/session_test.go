package relaytest_test

import (
	"math"
	"testing"

	"github.com/restreamd/restreamd/relay/relaytest"
)

func TestMonotonicDTS(t *testing.T) {
	video := func(dts uint32) relaytest.Tag { return relaytest.Tag{Kind: relaytest.KindVideo, DTS: dts} }
	audio := func(dts uint32) relaytest.Tag { return relaytest.Tag{Kind: relaytest.KindAudio, DTS: dts} }
	header := relaytest.Tag{Kind: relaytest.KindVideo, Init: true}
	for name, tc := range map[string]struct {
		tags []relaytest.Tag
		ok   bool
	}{
		"nothing":                 {nil, true},
		"rising":                  {[]relaytest.Tag{video(0), video(33), video(67)}, true},
		"standing":                {[]relaytest.Tag{video(33), video(33)}, true},
		"falling":                 {[]relaytest.Tag{video(33), video(32)}, false},
		"tracks are apart":        {[]relaytest.Tag{video(33), audio(0), video(67), audio(21)}, true},
		"audio falls":             {[]relaytest.Tag{audio(33), video(40), audio(21)}, false},
		"headers do not count":    {[]relaytest.Tag{video(33), header, video(67)}, true},
		"a wrap is no step back":  {[]relaytest.Tag{video(math.MaxUint32 - 10), video(23)}, true},
		"back to zero is a fall":  {[]relaytest.Tag{video(8000), video(0)}, false},
		"a fall behind the first": {[]relaytest.Tag{video(0), video(33), video(0)}, false},
	} {
		if err := (relaytest.Session{Tags: tc.tags}).MonotonicDTS(); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
