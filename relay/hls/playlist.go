package hls

import (
	"bytes"
	"fmt"
	"time"
)

const (
	endList = "#EXT-X-ENDLIST\n"
	// dateForm is that of EXT-X-PROGRAM-DATE-TIME.
	dateForm = "2006-01-02T15:04:05.000Z07:00"
)

// mediaPlaylist is what players read of a row of segments (RFC 8216 section 4.3.3).
//
// Version 6 is what EXT-X-MAP in a playlist of media needs, 7 is what ffmpeg and Apple's tools write for fMP4.
func mediaPlaylist(listed []segment, target int, whole, ended bool) []byte {
	var b bytes.Buffer
	version := 6
	if len(listed) > 0 && isFragment(listed[0].Name) {
		version = 7
	}
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:%d\n", version, target)
	if whole {
		b.WriteString("#EXT-X-PLAYLIST-TYPE:VOD\n")
	}
	if len(listed) > 0 {
		number, breaks := listed[0].Number, listed[0].Breaks
		if listed[0].Break {
			breaks-- // its own is written below
		}
		fmt.Fprintf(&b, "#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", number, breaks)
	}
	mapped := ""
	for _, g := range listed {
		if g.Break {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if g.Map != mapped && g.Map != "" {
			fmt.Fprintf(&b, "#EXT-X-MAP:URI=\"%s\"\n", g.Map)
			mapped = g.Map
		}
		fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:%.6f,\n%s\n", g.At.UTC().Round(time.Millisecond).Format(dateForm), g.Length, g.Name)
	}
	if ended {
		b.WriteString(endList)
	}
	return b.Bytes()
}
