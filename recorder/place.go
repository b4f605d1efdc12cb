package recorder

import (
	"fmt"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// A part's comment says where on the session's clock its first packet has its place, so that the parts of a take are put
// together as they were received: lengths of files are rounded, and a hundred roundings are heard.
const placeFormat = "restreamd, session %s, from %d ms of %s on"

const (
	ofVideo = "video"
	ofAudio = "audio"
)

func describe(a ffmpeg.Attempt) string {
	track := ofAudio
	if a.PictureFirst {
		track = ofVideo
	}
	return fmt.Sprintf(placeFormat, a.Session.UTC().Format(time.RFC3339), a.Begin.Milliseconds(), track)
}

// place is where on its session's clock a file begins, if it says so.
func (x *index) place() (at time.Duration, known bool) {
	var session, track string
	var ms int64
	if n, _ := fmt.Sscanf(strings.ReplaceAll(x.comment, ",", " "), strings.ReplaceAll(placeFormat, ",", " "), &session, &ms, &track); n != 3 {
		return 0, false
	}
	for _, t := range x.tracks {
		if t.isVideo() == (track == ofVideo) {
			from, _ := x.span()
			first := t.edits.delay + (float64(t.first)-float64(t.edits.start))/t.scale // its decoding time in the file
			return time.Duration(ms)*time.Millisecond + length(from-first), true
		}
	}
	return 0, false
}

func length(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Microsecond)
}

// How far the place of a part may be from where the one before it ends, and be believed. What lies outside is a hole, or
// another relay's clock.
const (
	mostOver  = 500 * time.Millisecond
	mostUnder = 100 * time.Millisecond
)

// seat says of each part how long it lasts until the next.
func seat(parts []*part) {
	for i, p := range parts {
		p.lasts = p.duration()
		if i == len(parts)-1 {
			break
		}
		at, known := p.place()
		next, nextKnown := parts[i+1].place()
		if d := next - at; known && nextKnown && d > p.lasts-mostOver && d < p.lasts+mostUnder {
			p.lasts = d
			parts[i+1].follows = p.begin().Add(d)
		}
	}
}
