package flv_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// frame is FLV again of packets that were read from it.
func frame(audio, video bool, packets []relay.Packet) []byte {
	out := flv.AppendHeader(nil, audio, video)
	for _, p := range packets {
		out = flv.AppendTagHeader(out, p.Kind, len(p.Body), p.DTS)
		out = append(out, p.Body...)
		out = flv.AppendTrailer(out, len(p.Body))
	}
	return out
}

// readAll returns what can be read, and what ended it.
func readAll(r io.Reader) (packets []relay.Packet, err error) {
	reader := flv.NewReader(r)
	for {
		p, err := reader.Read()
		switch {
		case err == nil:
			packets = append(packets, p)
		case !errors.Is(err, flv.ErrMalformed):
			return packets, err
		}
	}
}

func media(t testing.TB, opts ...relaytest.MediaOption) []byte {
	t.Helper()
	file, err := os.ReadFile(relaytest.Media(t, opts...))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFilesOfFFmpegSurviveTheRoundTrip(t *testing.T) {
	for name, tc := range map[string]struct {
		opts         []relaytest.MediaOption
		audio, video bool
		keyframes    int
	}{
		"both":       {nil, true, true, 8},
		"audio only": {[]relaytest.MediaOption{relaytest.AudioOnly()}, true, false, 0},
		"video only": {[]relaytest.MediaOption{relaytest.VideoOnly()}, false, true, 8},
	} {
		t.Run(name, func(t *testing.T) {
			file := media(t, tc.opts...)
			packets, err := readAll(iotest.OneByteReader(bytes.NewReader(file)))
			if err != io.EOF {
				t.Fatalf("ended with %v", err)
			}
			if !bytes.Equal(frame(tc.audio, tc.video, packets), file) {
				t.Error("framed again it is another file")
			}
			keyframes, inits := 0, map[relay.Slot]int{}
			for _, p := range packets {
				if p.Keyframe {
					keyframes++
				}
				if p.Slot != 0 {
					inits[p.Slot]++
				}
			}
			if keyframes != tc.keyframes {
				t.Errorf("%d keyframes, want %d", keyframes, tc.keyframes)
			}
			want := map[relay.Slot]bool{relay.MetadataSlot(relay.Script, 0): true,
				relay.HeaderSlot(relay.Audio, 0): tc.audio, relay.HeaderSlot(relay.Video, 0): tc.video}
			for slot, wanted := range want {
				if (inits[slot] == 1) != wanted {
					t.Errorf("%d packets in slot %#x, wanted %t", inits[slot], slot, wanted)
				}
			}
		})
	}
}

func TestTimestampsHave32Bits(t *testing.T) {
	for _, ms := range []int64{0, 1, 0xFFFFFF, 0x1000000, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		file := frame(true, true, []relay.Packet{{Kind: relay.Script, DTS: ms, Body: []byte(onMetaData)}})
		if packets, _ := readAll(bytes.NewReader(file)); len(packets) != 1 || packets[0].DTS != ms {
			t.Errorf("%d came back as %+v", ms, packets)
		}
	}
}

func TestTruncatedFilesEndWithinATag(t *testing.T) {
	file := frame(true, true, []relay.Packet{
		{Kind: relay.Video, Body: []byte("\x17\x01\x00\x00\x00NALU")},
		{Kind: relay.Audio, DTS: 10, Body: []byte("\xaf\x01raw")},
	})
	whole := map[int]int{flv.HeaderSize: 0, len(file): 2} // packets before an end between two tags
	whole[flv.HeaderSize+flv.TagHeaderSize+9+flv.TrailerSize] = 1
	for n := range len(file) + 1 {
		packets, err := readAll(bytes.NewReader(file[:n]))
		want := io.ErrUnexpectedEOF
		count, clean := whole[n]
		if clean || n == 0 {
			want = io.EOF
		}
		if !errors.Is(err, want) || clean && len(packets) != count {
			t.Errorf("cut to %d bytes: %d packets, then %v; want %v", n, len(packets), err, want)
		}
	}
}

func TestReaderGoesOnAfterABadTag(t *testing.T) {
	file := frame(true, true, []relay.Packet{
		{Kind: relay.Video},
		{Kind: relay.Kind(15), Body: []byte("no such kind")},
		{Kind: relay.Audio, Body: []byte("\xaf")},
		{Kind: relay.Audio, Body: []byte("\xaf\x01raw")},
	})
	r := flv.NewReader(bytes.NewReader(file))
	for range 2 {
		if _, err := r.Read(); !errors.Is(err, flv.ErrMalformed) {
			t.Fatalf("a malformed tag: %v", err)
		}
	}
	if p, err := r.Read(); err != nil || p.Kind != relay.Audio {
		t.Errorf("read %+v, %v", p, err)
	}
}

func TestReaderRefusesOtherFiles(t *testing.T) {
	_, err := readAll(strings.NewReader("\x00\x00\x00\x18ftypisom....."))
	if err == nil || !strings.Contains(err.Error(), "not FLV") {
		t.Errorf("read an MP4: %v", err)
	}
	large := flv.AppendTagHeader(flv.AppendHeader(nil, true, true), relay.Video, flv.MaxBody+1, 0)
	if _, err := readAll(bytes.NewReader(large)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a body larger than MaxBody: %v", err)
	}
}

func TestReaderReadsTheLargestBody(t *testing.T) {
	body := bytes.Repeat([]byte("\x27\x01\x00\x00\x00"), flv.MaxBody/5)
	packets, err := readAll(bytes.NewReader(frame(false, true, []relay.Packet{{Kind: relay.Video, Body: body}})))
	if err != io.EOF || len(packets) != 1 || !bytes.Equal(packets[0].Body, body) {
		t.Errorf("%d packets, %v", len(packets), err)
	}
}

// allocated is what f allocates in all. Other goroutines count too, so it is good for bounds only.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func FuzzReader(f *testing.F) {
	var packets []relay.Packet
	for _, tc := range sealCases {
		packets = append(packets, relay.Packet{Kind: tc.kind, Body: []byte(tc.body)})
	}
	f.Add(frame(true, true, packets))
	f.Add(frame(false, true, nil))
	f.Add(flv.AppendTagHeader(flv.AppendHeader(nil, true, true), relay.Video, flv.MaxBody, 0))
	f.Fuzz(func(t *testing.T, input []byte) {
		var packets []relay.Packet
		var err error
		used := allocated(func() { packets, err = readAll(bytes.NewReader(input)) })
		if limit := uint64(64*len(input) + 1<<20); used > limit {
			t.Fatalf("%d bytes of input allocated %d, at most %d", len(input), used, limit)
		}
		if err == nil {
			t.Fatal("ended without a reason")
		}
		again, err := readAll(bytes.NewReader(frame(true, true, packets)))
		if err != io.EOF || len(again) != len(packets) {
			t.Fatalf("framed again: %d packets of %d, %v", len(again), len(packets), err)
		}
		for i, p := range again {
			q := packets[i]
			if p.Kind != q.Kind || p.DTS != q.DTS || p.Slot != q.Slot || p.Keyframe != q.Keyframe || !bytes.Equal(p.Body, q.Body) {
				t.Fatalf("packet %d framed again: %+v, was %+v", i, p, q)
			}
		}
	})
}
