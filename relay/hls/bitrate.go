package hls

// bitrate is what a stream's segments need of a network, in bit/s (RFC 8216 section 4.3.4.2).
type bitrate struct {
	peak    float64
	bits    float64
	seconds float64
	run     []segment // the newest, of at least half a target duration
}

// add counts a segment. The peak is of rows that last half a target duration at least: what a killed child left of a
// segment says little about the stream.
func (b *bitrate) add(g segment, target int) {
	b.bits += float64(g.Size) * 8
	b.seconds += g.Length
	b.run = append(b.run, g)
	var bits, length float64
	for i := len(b.run) - 1; i >= 0; i-- {
		bits += float64(b.run[i].Size) * 8
		length += b.run[i].Length
		if length >= float64(target)/2 {
			b.peak = max(b.peak, bits/length)
			b.run = append(b.run[:0], b.run[i:]...)
			return
		}
	}
}

// step is what bit rates are rounded up to: the multivariant playlist need not change with each segment.
const step = 10_000

// rates returns the peak and the average, which is never above it.
func (b *bitrate) rates() (peak, average int64) {
	if b.seconds == 0 {
		return 0, 0
	}
	up := func(rate float64) int64 { return (int64(rate)/step + 1) * step }
	average = up(b.bits / b.seconds)
	return max(up(b.peak), average), average
}
