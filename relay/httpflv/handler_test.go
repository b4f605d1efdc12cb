package httpflv_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// A viewer gets the headers, the newest GOP and what follows, by a clock of its own, until the session is over.
func TestAViewerJoinsAtTheNewestKeyframe(t *testing.T) {
	s := newStage(t, 0)
	p := s.publish(t, "main")
	write(t, p, relay.Video, 5000, avcHeader)
	write(t, p, relay.Audio, 5000, aacHeader)
	write(t, p, relay.Video, 5000, video("old", true))
	write(t, p, relay.Video, 6000, video("key", true))
	write(t, p, relay.Audio, 6010, audio("a"))
	write(t, p, relay.Video, 6040, video("delta", false))

	resp := get(t, s.url+"main.flv")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "video/x-flv" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %q", resp.Status, resp.Header)
	}
	r := flv.NewReader(resp.Body)
	want := []tag{
		{relay.Video, 0, string(avcHeader)}, {relay.Audio, 0, string(aacHeader)},
		{relay.Video, 0, string(video("key", true))}, {relay.Audio, 10, string(audio("a"))}, {relay.Video, 40, string(video("delta", false))},
	}
	if got := tags(t, r, len(want)); !slices.Equal(got, want) {
		t.Errorf("joined with %v, want %v", got, want)
	}
	write(t, p, relay.Video, 6080, video("live", false))
	s.hub.Stream("main").Disconnect()
	if got, want := tags(t, r, 0), []tag{{relay.Video, 80, string(video("live", false))}}; !slices.Equal(got, want) {
		t.Errorf("then %v, want %v", got, want)
	}
}

// The file header announces the tracks there are: players wait for every one it names.
func TestTheHeaderNamesTheTracks(t *testing.T) {
	for name, tc := range map[string]struct {
		publish func(testing.TB, *relay.Publication)
		flags   byte
	}{
		"both": {func(t testing.TB, p *relay.Publication) {
			write(t, p, relay.Video, 0, video("k", true))
			write(t, p, relay.Audio, 0, audio("a"))
		}, 5},
		"video": {func(t testing.TB, p *relay.Publication) {
			write(t, p, relay.Video, 0, avcHeader)
			write(t, p, relay.Video, 0, video("k", true))
		}, 1},
		"audio": {func(t testing.TB, p *relay.Publication) {
			write(t, p, relay.Audio, 0, aacHeader)
			for ms := range uint32(60) {
				write(t, p, relay.Audio, ms*20, audio("a"))
			}
		}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, 0)
			tc.publish(t, s.publish(t, "main"))
			var head [flv.HeaderSize]byte
			if _, err := io.ReadFull(get(t, s.url+"main.flv").Body, head[:]); err != nil {
				t.Fatal(err)
			}
			if head[4] != tc.flags {
				t.Errorf("flags %d, want %d", head[4], tc.flags)
			}
		})
	}
}

// What is not on air is said at once, with when to ask again; nobody may keep it.
func TestOffAir(t *testing.T) {
	s := newStage(t, 0)
	for _, path := range []string{"main.flv", "nobody.flv", "main", "main.mp4", ".flv"} {
		resp := get(t, s.url+path)
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusNotFound || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s %q, %v", path, resp.Status, resp.Header, err)
		}
		if strings.HasSuffix(path, ".flv") && (resp.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "off air")) {
			t.Errorf("%s: %q, %q", path, resp.Header, body)
		}
	}
}

// A session may end before its first keyframe: who waited for it is told so.
func TestAShowThatNeverBegan(t *testing.T) {
	s := newStage(t, 0)
	p := s.publish(t, "main")
	write(t, p, relay.Video, 0, avcHeader)
	codes := make(chan int)
	go func() {
		resp, err := http.Get(s.url + "main.flv")
		if err != nil {
			codes <- 0
			return
		}
		_ = resp.Body.Close()
		codes <- resp.StatusCode
	}()
	for s.hub.Stream("main").Disconnect(); ; s.hub.Stream("main").Disconnect() {
		select {
		case code := <-codes:
			if code != http.StatusNotFound {
				t.Errorf("answered %d", code)
			}
			http.DefaultClient.CloseIdleConnections()
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestHead(t *testing.T) {
	s := newStage(t, 0)
	write(t, s.publish(t, "main"), relay.Video, 0, video("k", true))
	for path, code := range map[string]int{"main.flv": 200, "other.flv": 404} {
		resp, err := http.Head(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != code || code == 200 && resp.Header.Get("Content-Type") != "video/x-flv" {
			t.Errorf("%s: %s %q", path, resp.Status, resp.Header)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// Renditions are streams, and codecs nobody here knows are passed on as they are.
func TestDerivedStreamsAndOtherCodecs(t *testing.T) {
	s := newStage(t, 0)
	hevc := append([]byte{0x80 | 1<<4 | 3}, "hvc1 key"...) // Enhanced RTMP: a keyframe, CodedFramesX
	s.hub.Derive("main@720p")
	p := s.publish(t, "main@720p")
	write(t, p, relay.Video, 0, hevc)
	write(t, p, relay.Audio, 0, audio("a"))
	if got := tags(t, flv.NewReader(get(t, s.url+"main@720p.flv").Body), 1); got[0].body != string(hevc) {
		t.Errorf("got %v", got)
	}
}

// A viewer that does not read is sent away, and neither the publisher nor anybody else feels it.
func TestAViewerThatDoesNotRead(t *testing.T) {
	s := newStage(t, 200*time.Millisecond)
	p := s.publish(t, "main")
	write(t, p, relay.Video, 0, video("k", true))
	write(t, p, relay.Audio, 0, audio("a"))
	deaf, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimSuffix(s.url, "/flv/"), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	if _, err := io.WriteString(deaf, "GET /flv/main.flv HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	good := flv.NewReader(get(t, s.url+"main.flv").Body)
	tags(t, good, 2)

	big := video(string(bytes.Repeat([]byte("x"), 1<<20)), true)
	deadline := time.Now().Add(patient)
	for ms := uint32(40); ; ms += 40 {
		write(t, p, relay.Video, ms, big)
		tags(t, good, 1)
		if _, err := deaf.Write([]byte("x")); err != nil {
			break // closed on the other side
		}
		if time.Now().After(deadline) {
			t.Fatal("who does not read is still there")
		}
	}
	s.hub.Stream("main").Disconnect()
	tags(t, good, 0)
}
