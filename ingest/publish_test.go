package ingest_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib/pkg/message"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/relaytest"
)

func source(t *testing.T) string { return relaytest.Media(t, relaytest.Duration(2*time.Second)) }

// wantHashes compares what a hub subscription got with the file that was published.
func wantHashes(t *testing.T, v *viewer, file string) {
	t.Helper()
	got, _ := v.hashes(t)
	if want := relaytest.VideoHashes(t, file); !slices.Equal(got[relay.Video], want) {
		t.Errorf("%d video packets, want the %d that were published", len(got[relay.Video]), len(want))
	}
	if want := relaytest.AudioHashes(t, file); !slices.Equal(got[relay.Audio], want) {
		t.Errorf("%d audio packets, want the %d that were published", len(got[relay.Audio]), len(want))
	}
}

// hashes are those of the payloads, by kind, and which of the video's are keyframes, once the session is over.
func (v *viewer) hashes(t *testing.T) (all map[relay.Kind][]string, keyframes map[int]bool) {
	t.Helper()
	const aac, avc = 2, 5 // bytes of FLV's header in front of the payload
	all, keyframes = map[relay.Kind][]string{}, map[int]bool{}
	for _, p := range v.wait(t) {
		skip := map[relay.Kind]int{relay.Audio: aac, relay.Video: avc}[p.Kind]
		if p.Slot != 0 || skip == 0 || len(p.Body) <= skip {
			continue
		}
		if p.Keyframe {
			keyframes[len(all[relay.Video])] = true
		}
		sum := md5.Sum(p.Body[skip:])
		all[p.Kind] = append(all[p.Kind], hex.EncodeToString(sum[:]))
	}
	return all, keyframes
}

func TestFFmpegPublishes(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"key in the URL":      "live/" + studioKey,
		"query after the key": "live/" + studioKey + "?bandwidthtest=1&x=2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t)
			v := h.watch(t, "main")
			p := relaytest.Publish(t, h.url(path), source(t))
			if code := p.Wait(); code != 0 {
				t.Errorf("ffmpeg ended with %d:\n%s", code, p.Log())
			}
			wantHashes(t, v, source(t))
			h.wantReason(t, "publisher gone", "", "the encoder stopped streaming")
		})
	}
}

func TestGStreamerPublishes(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("gst-launch-1.0"); err != nil {
		t.Skip("GStreamer is not installed (scripts/install-test-deps.sh)")
	}
	for _, element := range []string{"rtmpsink", "rtmp2sink"} {
		t.Run(element, func(t *testing.T) {
			t.Parallel()
			h := serve(t)
			v := h.watch(t, "main")
			out, err := exec.Command("gst-launch-1.0", "-q",
				"flvmux", "name=m", "streamable=true", "!", element, "location="+h.url("live/"+studioKey),
				"filesrc", "location="+source(t), "!", "flvdemux", "name=d",
				"d.video", "!", "queue", "!", "m.video", "d.audio", "!", "queue", "!", "m.audio").CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			wantHashes(t, v, source(t))
		})
	}
}

// A whole file through every chunk size, announced before connect as OBS does, or right before the media.
func TestChunkSizes(t *testing.T) {
	t.Parallel()
	packets := readFile(t, source(t))
	for _, size := range []uint32{128, 129, 1000, 4096, 65_536, 1 << 20} {
		for _, early := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d, before connect %t", size, early), func(t *testing.T) {
				t.Parallel()
				h := serve(t)
				v := h.watch(t, "main")
				c := dial(t, h).handshake()
				if early {
					c.chunkSize(size)
				}
				c.connect("live").publish(studioKey)
				if !early {
					c.chunkSize(size)
				}
				c.write(packets...)
				c.goodbye()
				wantHashes(t, v, source(t))
			})
		}
	}
}

func TestWhereTheKeyStands(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ app, name, query string }{
		"in the name":               {"live", studioKey, ""},
		"with a query":              {"live", studioKey + "?user=me", "user=me"},
		"with slashes":              {"/live/", "/" + studioKey + "/", ""},
		"in the app":                {"live/" + studioKey, "", ""},
		"in the app, with a query":  {"live/" + studioKey + "?user=me", "", "user=me"},
		"in the app, query in name": {"live/" + studioKey, "?user=me", "user=me"},
		"after a query of the app":  {"live?user=me", studioKey, "user=me"},
		"two queries":               {"live?user=you", studioKey + "?user=me", "user=me"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan ingest.Request, 1)
			h := serve(t, func(s *ingest.Server) { s.Auth = witness{s.Auth, asked} })
			v := h.watch(t, "main")
			c := dial(t, h).handshake().connect(tc.app).publish(tc.name)
			c.write(frames(0, 3)...)
			c.goodbye()
			if got := v.media(t); len(got) != 3 {
				t.Errorf("relayed %q", got)
			}
			fields := h.logged(t, "publisher accepted", c.name())
			if fields["app"] != "live" || fields["key"] != "studio" || fields["stream"] != "main" || fields["agent"] != "test/1" {
				t.Errorf("logged %v", fields)
			}
			if got := <-asked; got.Query.Reveal() != tc.query || got.Key.Reveal() != studioKey || got.Remote.String() != c.name() {
				t.Errorf("asked for %s with key %q, query %q from %v", got.App, got.Key.Reveal(), got.Query.Reveal(), got.Remote)
			}
		})
	}
}

// witness is an Authorizer that tells what it was asked.
type witness struct {
	ingest.Authorizer
	asked chan<- ingest.Request
}

func (w witness) Authorize(ctx context.Context, r ingest.Request) (ingest.Grant, error) {
	w.asked <- r
	return w.Authorizer.Authorize(ctx, r)
}

// A library that does not wait for answers has its commands and first frames in one segment.
func TestPipelinedPublisher(t *testing.T) {
	t.Parallel()
	h := serve(t)
	v := h.watch(t, "main")
	c := dial(t, h).handshake()
	c.chunkSize(1 << 20)
	c.command("connect", float64(1), nil, nil)
	c.command("connect", float64(1), connectObject("live"))
	c.command("createStream", float64(2), nil)
	c.command("publish", float64(3), nil, studioKey, "live")
	large := frame(0)
	large.Body = append(large.Body, make([]byte, 9<<10)...)
	c.write(large)
	c.write(frames(1, 50)...)
	c.goodbye()
	if got := v.media(t); len(got) != 50 || len(got[0]) != len(large.Body) {
		t.Errorf("relayed %d packets", len(got))
	}
}

func TestInitPacketsPassAsTheyCame(t *testing.T) {
	t.Parallel()
	h := serve(t)
	v := h.watch(t, "main")
	c := publisher(t, h, studioKey)
	meta := append([]byte("\x02\x00\x0aonMetaData\x03\x00\x07encoder\x02\x00\x08test\x00\x00\x00\x01"), 0, 0, 9)
	c.must(c.send(message.TypeDataAMF0, 0, append([]byte("\x02\x00\x0d@setDataFrame"), meta...)))
	c.must(c.send(message.TypeDataAMF3, 0, append([]byte{0}, "\x02\x00\x0aonTextData\x05"...)))
	header := []byte("\x90av01 a configuration nobody here reads")
	c.must(c.send(message.TypeVideo, 0, header))
	c.write(frames(0, 1)...)
	c.goodbye()
	packets := v.wait(t)
	if len(packets) != 4 || !bytes.Equal(packets[0].Body, meta) || !bytes.Equal(packets[1].Body, header) ||
		string(packets[2].Body) != "\x02\x00\x0aonTextData\x05" {
		t.Errorf("relayed %d packets: %q", len(packets), v.media(t))
	}
	if media := h.hub.Stream("main").Status(); media.Publisher != nil {
		t.Error("a publisher after the goodbye")
	}
}

func readFile(t *testing.T, path string) (packets []relay.Packet) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for r := flv.NewReader(file); ; {
		p, err := r.Read()
		if err != nil {
			return packets
		}
		packets = append(packets, p)
	}
}
