package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// One kind of track alone is a show too.
func TestAudioOnlyAndVideoOnly(t *testing.T) {
	t.Parallel()
	for name, media := range map[string]string{"audio": rt.Media(t, rt.AudioOnly()), "video": rt.Media(t, rt.VideoOnly())} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := rt.NewSink(t)
			r := rt.StartRelay(t, rt.Destination("sink", destination(sink, "k")))
			pub := rt.Publish(t, r.PublishURL(), media)
			awaitState(t, r, "hls", "hls", output.Running)
			if code := pub.Wait(); code != 0 {
				t.Fatalf("the encoder ended with %d", code)
			}
			s := awaitGoodbye(t, sink)
			recording := awaitFinished(t, r)
			plays(t, recording)
			sameHashes(t, "delivered video", s.VideoHashes(), rt.VideoHashes(t, media))
			sameHashes(t, "delivered audio", s.AudioHashes(), rt.AudioHashes(t, media))
			sameHashes(t, "recorded video", rt.VideoHashes(t, recording), rt.VideoHashes(t, media))
			sameHashes(t, "recorded audio", rt.AudioHashes(t, recording), rt.AudioHashes(t, media))
		})
	}
}

// The encoder changes its picture's size without stopping: pushes live through it, the recording and HLS go on in a
// new file, and no packet is lost on the way.
func TestHeaderChangeInMidShow(t *testing.T) {
	t.Parallel()
	small, large := rt.Media(t, rt.Duration(4*time.Second)), rt.Media(t, rt.Duration(4*time.Second), rt.Size(960, 540))
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("sink", destination(sink, "k")), rt.StreamConfig("hls: {segment: 1s, window: 60}"))
	e := dial(t, r.PublishURL())
	e.SendFile(t, read(t, small), 0)
	e.SendFile(t, read(t, large), 4000)
	if err := e.Goodbye(); err != nil {
		t.Fatal(err)
	}
	want := append(rt.VideoHashes(t, small), rt.VideoHashes(t, large)...)
	s := awaitGoodbye(t, sink)
	sameHashes(t, "delivered", s.VideoHashes(), want)
	if err := s.MonotonicDTS(); err != nil {
		t.Error(err)
	}
	rt.Eventually(t, patient, "both parts of the recording to be finished", func() bool {
		return strings.Count(r.Log(), "recording finished") == 2
	})
	parts, _ := filepath.Glob(filepath.Join(r.Data, "recordings", "main", "*.mp4"))
	if len(parts) != 2 || !strings.Contains(parts[1], ".part2.mp4") {
		t.Fatalf("recordings: %v, want two parts", parts)
	}
	sameHashes(t, "recorded", append(rt.VideoHashes(t, parts[0]), rt.VideoHashes(t, parts[1])...), want)
	list := get(t, r, "/hls/main/index.m3u8").body
	if strings.Count(list, "#EXT-X-ENDLIST") != 1 || !strings.Contains(list, "#EXT-X-DISCONTINUITY") {
		t.Errorf("the playlist does not tell of the change:\n%s", list)
	}
}

// Tags that this ffmpeg cannot read (a second audio track, HDR metadata, anything yet unknown) cost those tags, counted,
// and nothing else.
func TestUnreadableTags(t *testing.T) {
	t.Parallel()
	media := rt.Media(t, rt.Duration(4*time.Second))
	sink := rt.NewSink(t)
	r := rt.StartRelay(t, rt.Destination("sink", destination(sink, "k")))
	e := dial(t, r.PublishURL())
	for _, body := range [][]byte{
		{0x95, 0x00, 'm', 'p', '4', 'a', 1, 0x11, 0x90}, // multitrack audio, sequence start of track 1
		{0x95, 0x01, 'm', 'p', '4', 'a', 1, 1, 2, 3},    // and its frames
		{0x9f, 1, 2, 3}, // audio of a type nobody knows
		{},
	} {
		if err := e.Send(rt.KindAudio, 0, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Send(rt.KindVideo, 0, []byte{0xd4, 'h', 'v', 'c', '1', 2, 0, 1, 'x', 5}); err != nil { // colour metadata
		t.Fatal(err)
	}
	if err := e.Send(99, 0, []byte{1, 2, 3}); err != nil { // a message type nobody knows
		t.Fatal(err)
	}
	e.SendFile(t, read(t, media), 0)
	if n := outputStatus(t, r, "record", "record").Unreadable; n == 0 {
		t.Error("what was left out is not counted")
	}
	if err := e.Goodbye(); err != nil {
		t.Fatal(err)
	}
	sameHashes(t, "delivered", awaitGoodbye(t, sink).VideoHashes(), rt.VideoHashes(t, media))
	sameHashes(t, "recorded", rt.VideoHashes(t, awaitFinished(t, r)), rt.VideoHashes(t, media))
}

// A publisher that is refused is told why, and so is whoever reads the log.
func TestRefusals(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t)
	for target, words := range map[string][2]string{
		"/live/nokey":  {"unknown stream key", "unknown stream key"},
		"/other/nokey": {"unknown app", "unknown app"},
		"/live":        {"no stream key", "no stream key"},
	} {
		_, err := rt.Dial(t, "rtmp://"+r.RTMP+target)
		if err == nil || !strings.Contains(err.Error(), words[0]) {
			t.Errorf("%s: the encoder was told %v, want %q", target, err, words[0])
		}
		rt.Eventually(t, soon, "the log to say "+words[1], func() bool {
			return strings.Contains(r.Log(), words[1]) && strings.Contains(r.Log(), "127.0.0.1:")
		})
	}
}

func dial(t testing.TB, url string) *rt.Encoder {
	t.Helper()
	e, err := rt.Dial(t, url)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
