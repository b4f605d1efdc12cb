package output_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// show publishes made-up media. Every media body is another, and kept.
type show struct {
	t    *testing.T
	pub  *relay.Publication
	ts   uint32
	n    uint32
	sent [][]byte
}

const tick = 40 // milliseconds between two packets of a kind

func publish(t *testing.T, s *relay.Stream) *show {
	t.Helper()
	pub, err := s.Publish(relay.Publisher{Key: "studio"})
	if err != nil {
		t.Fatal(err)
	}
	return &show{t: t, pub: pub, ts: 1_000_000} // as an encoder that has been on for a while
}

func (s *show) write(kind relay.Kind, body []byte) {
	s.t.Helper()
	p, err := flv.Seal(kind, s.ts, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.pub.Write(p); err != nil {
		s.t.Fatal(err)
	}
	if p.Slot == 0 {
		s.sent = append(s.sent, body)
	}
}

// headers announces both tracks; version makes them different ones.
func (s *show) headers(version byte) {
	s.videoHeader(version)
	s.audioHeader(version)
}

func (s *show) videoHeader(version byte) { s.write(relay.Video, []byte{0x17, 0, 0, 0, 0, version}) }
func (s *show) audioHeader(version byte) { s.write(relay.Audio, []byte{0xaf, 0, 0x12, version}) }

// begin is what an output needs to begin.
func (s *show) begin() {
	s.headers(1)
	s.gop(10)
}

// gop writes a keyframe and three frames with audio, padded by so many bytes a frame.
func (s *show) gop(padding int) {
	s.picture(0x17, padding)
	for range 3 {
		s.sound()
		s.picture(0x27, padding)
	}
}

func (s *show) picture(frame byte, padding int) {
	s.ts += tick
	s.n++
	body := binary.BigEndian.AppendUint32([]byte{frame, 1, 0, 0, 0}, s.n)
	s.write(relay.Video, append(body, make([]byte, padding)...))
}

func (s *show) sound() {
	s.n++
	s.write(relay.Audio, binary.BigEndian.AppendUint32([]byte{0xaf, 1}, s.n))
}

// track writes AAC of a track as Enhanced RTMP v2 does: 0 is its header, 1 a frame.
func (s *show) track(number, what byte, payload ...byte) {
	s.write(relay.Audio, append([]byte{0x95, what, 'm', 'p', '4', 'a', number}, payload...))
}

// recording is what a child was fed.
type recording struct {
	flags byte // of the FLV header: 4 audio, 1 video
	all   []relay.Packet
	media [][]byte
}

// parse reads what a child has been fed so far, of which the last tag may be cut.
func parse(t *testing.T, name string) recording {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < flv.HeaderSize {
		return recording{}
	}
	rec := recording{flags: b[4]}
	r := flv.NewReader(bytes.NewReader(b))
	for {
		p, err := r.Read()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return rec
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rec.all = append(rec.all, p)
		if p.Slot == 0 {
			rec.media = append(rec.media, p.Body)
		}
	}
}

// check fails where timestamps do not begin near 0 or go back, or where the codec headers do not stand in front.
func (r recording) check(t *testing.T, name string) {
	t.Helper()
	last := map[relay.Kind]int64{}
	begun := false
	for i, p := range r.all {
		if !begun && p.DTS > 3*tick {
			t.Errorf("%s: packet %d of %v: begins at %d ms", name, i, p.Kind, p.DTS)
		}
		if p.DTS < last[p.Kind] {
			t.Errorf("%s: packet %d of %v goes back from %d to %d ms", name, i, p.Kind, last[p.Kind], p.DTS)
		}
		if p.Slot == 0 && p.Kind == relay.Video && !begun {
			begun = true
			if !p.Keyframe {
				t.Errorf("%s: the first picture is no keyframe", name)
			}
		}
		last[p.Kind] = p.DTS
	}
	if len(r.all) == 0 || r.all[0].Slot == 0 {
		t.Errorf("%s: %d packets, the first is no header", name, len(r.all))
	}
}

func same(t *testing.T, what string, got, want [][]byte) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !bytes.Equal(got[i], want[i]) {
			t.Errorf("%s: %d packets, want %d; the first difference is at %d", what, len(got), len(want), i)
			return
		}
	}
}
