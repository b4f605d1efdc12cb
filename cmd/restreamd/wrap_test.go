package main_test

import (
	"slices"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// Timestamps that wrap in mid-show, or become too long for their field, cost no packet and move none.
func TestTimestampsWrap(t *testing.T) {
	t.Parallel()
	media := rt.Media(t, rt.Duration(5*time.Second))
	for name, at := range map[string]uint32{
		"extended": 0xFFFFFF, // where RTMP takes four more bytes
		"FLV":      1 << 31,  // where ffmpeg's FLV turns negative
		"RTMP":     0,        // 2^32: where the field ends
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := rt.NewSink(t)
			r := rt.StartRelay(t, rt.Destination("sink", destination(sink, "k")))
			e := dial(t, r.PublishURL())
			sent := e.SendFile(t, read(t, media), at-2000)
			if first, last := sent[0].Timestamp, sent[len(sent)-1].Timestamp; first != at-2000 || int32(last-at) < 2000 {
				t.Fatalf("sent %d to %d, which does not pass %d", first, last, at)
			}
			if err := e.Goodbye(); err != nil {
				t.Fatal(err)
			}
			s := awaitGoodbye(t, sink)
			sameHashes(t, "delivered video", s.VideoHashes(), rt.VideoHashes(t, media))
			sameHashes(t, "delivered audio", s.AudioHashes(), rt.AudioHashes(t, media))
			for kind, name := range map[uint8]string{rt.KindVideo: "video", rt.KindAudio: "audio"} {
				if got, want := steps(s.Tags, kind), steps(tags(sent), kind); !slices.Equal(got, want) {
					t.Errorf("%s: the times between packets changed on the way: %v, sent with %v", name, got, want)
				}
			}
			recording := awaitFinished(t, r)
			sameHashes(t, "recorded video", rt.VideoHashes(t, recording), rt.VideoHashes(t, media))
			sameHashes(t, "recorded audio", rt.AudioHashes(t, recording), rt.AudioHashes(t, media))
		})
	}
}

// tags is what was sent, with the timestamps it was sent with.
func tags(sent []rt.Sent) (all []rt.Tag) {
	for _, s := range sent {
		s.DTS = s.Timestamp
		all = append(all, s.Tag)
	}
	return all
}

// steps are the times between the packets of a track, in milliseconds.
func steps(all []rt.Tag, kind uint8) (ms []uint32) {
	var last *rt.Tag
	for _, tag := range all {
		if tag.Kind != kind || tag.Init {
			continue
		}
		if last != nil {
			ms = append(ms, tag.DTS-last.DTS)
		}
		last = &tag
	}
	return ms
}
