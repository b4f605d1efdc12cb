package hls

import (
	"bytes"
	"fmt"
)

// variant is one line of a multivariant playlist.
type variant struct {
	uri           string
	peak, average int64 // bit/s
	facts
}

// multivariant is the playlist of playlists (RFC 8216 section 4.3.4). A variant whose bit rate is not known yet has no
// place in it.
func multivariant(variants []variant) []byte {
	var b bytes.Buffer
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	some := false
	for _, v := range variants {
		if v.peak == 0 {
			continue
		}
		some = true
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d", v.peak, v.average)
		if codecs := v.codecs(); codecs != "" {
			fmt.Fprintf(&b, ",CODECS=%q", codecs)
		}
		if v.video != "" && v.width > 0 && v.height > 0 {
			fmt.Fprintf(&b, ",RESOLUTION=%dx%d", v.width, v.height)
		}
		if v.video != "" && v.fps > 0 {
			fmt.Fprintf(&b, ",FRAME-RATE=%.3f", v.fps)
		}
		fmt.Fprintf(&b, "\n%s\n", v.uri)
	}
	if !some {
		return nil
	}
	return b.Bytes()
}
