package recorder

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// readBack is what ffmpeg tells of the packets in a file, in its framecrc form:
//
//	#tb 0: 1/90000
//	0,     126000,     132000,     3000,    14205, 0x2b590e54, S=1, …
//
// that is stream, DTS, PTS, duration and size; a second is so many ticks.
type readBack struct {
	streams []*readStream
}

// readStream is one stream of it.
type readStream struct {
	tick       float64 // in seconds
	sizes      []uint32
	begin, end int64 // of presentation, in ticks
}

// readPackets makes an index of that.
func readPackets(r io.Reader, file string, keepsSizes bool) (index, error) {
	info, err := os.Stat(file)
	if err != nil {
		return index{}, err
	}
	var b readBack
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if err := b.line(lines.Text()); err != nil {
			return index{}, fmt.Errorf("read the finished file back: %q: %w", lines.Text(), err)
		}
	}
	if err := lines.Err(); err != nil {
		return index{}, fmt.Errorf("read the finished file back: %w", err)
	}
	x := index{size: info.Size(), end: info.ModTime(), tracks: b.tracks()}
	for _, t := range x.tracks {
		t.resized = !keepsSizes
	}
	return x, nil
}

func (b *readBack) line(line string) error {
	name, rest, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(name, "#") {
		return b.packet(line)
	}
	number, value, _ := strings.Cut(rest, ": ")
	if name == "#tb" {
		s, err := b.stream(number)
		if err != nil {
			return err
		}
		var num, den float64
		if _, err := fmt.Sscanf(value, "%f/%f", &num, &den); err != nil || num <= 0 || den <= 0 {
			return fmt.Errorf("not a time base: %w", err)
		}
		s.tick = num / den
	}
	return nil
}

// maxStreams is more than a job selects.
const maxStreams = 64

func (b *readBack) stream(number string) (*readStream, error) {
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || n < 0 || n >= maxStreams {
		return nil, fmt.Errorf("no stream is %q", number)
	}
	for len(b.streams) <= n {
		b.streams = append(b.streams, &readStream{tick: 1, begin: math.MaxInt64, end: math.MinInt64})
	}
	return b.streams[n], nil
}

func (b *readBack) packet(line string) error {
	number, rest, _ := strings.Cut(line, ",")
	s, err := b.stream(number)
	if err != nil {
		return err
	}
	var n [4]int64 // DTS, PTS, duration, size
	for i := range n {
		var field string
		field, rest, _ = strings.Cut(rest, ",")
		if n[i], err = strconv.ParseInt(strings.TrimSpace(field), 10, 64); err != nil {
			return err
		}
	}
	if n[3] < 0 || n[3] > math.MaxUint32 {
		return fmt.Errorf("a packet of %d bytes", n[3])
	}
	s.sizes = append(s.sizes, uint32(n[3]))
	s.begin, s.end = min(s.begin, n[1]), max(s.end, n[1]+n[2])
	return nil
}

// tracks are the streams with all their clocks in microseconds, beginning with the first to begin.
func (b *readBack) tracks() (all []*track) {
	const scale = 1e6
	zero := math.Inf(1)
	for _, s := range b.streams {
		if len(s.sizes) > 0 {
			zero = min(zero, float64(s.begin)*s.tick)
		}
	}
	for _, s := range b.streams {
		t := &track{sizes: s.sizes, sure: len(s.sizes), scale: scale}
		if len(s.sizes) > 0 {
			t.first = uint64((float64(s.begin)*s.tick - zero) * scale)
			t.end = uint64((float64(s.end)*s.tick - zero) * scale)
		}
		t.sureEnd = t.end
		all = append(all, t)
	}
	return all
}
