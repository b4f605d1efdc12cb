package main_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// flapping is a show whose encoders come and go: of three makes, with pictures of two sizes and clocks that begin
// anywhere, with two keys, and with ends of every kind.
type flapping struct {
	*rt.Relay
	rnd     *rand.Rand
	media   []string
	other   []string      // is what programs send: one that was ended before it began must not be taken for the next leg
	longest time.Duration // of a turn on air, and off
	frozen  string        // the key of an encoder that still holds its connection
	legs    []leg
	sent    [][]rt.Sent // by leg; nil where the encoder does not tell
}

// However many encoders come and go, they are one show: one session, one connection to each platform, sound and picture
// together, and a recording of all that was received.
func TestFlaps(t *testing.T) {
	t.Parallel()
	flaps, longest := 40, 2*time.Second
	if long() {
		flaps, longest = 100, 20*time.Second
	}
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("RESTREAMD_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("RESTREAMD_SEED=%d", seed)
	one, two := rt.NewSink(t, rt.KeepBodies()), rt.NewSink(t)
	f := &flapping{
		Relay: rt.StartRelay(t, rt.Destination("one", destination(one, "k")), rt.Destination("two", destination(two, "k")),
			rt.StreamKey("{name: field, key: "+fieldKey+"}"), rt.StreamConfig("hls: {enabled: false}")),
		rnd: rand.New(rand.NewPCG(seed, 0)), longest: longest,
		media: []string{
			rt.Media(t, rt.Duration(24*time.Second), rt.Size(320, 180), rt.Bitrate(300)),
			rt.Media(t, rt.Duration(24*time.Second), rt.Size(256, 144), rt.Bitrate(300)),
		},
		other: []string{
			rt.Media(t, rt.Duration(24*time.Second), rt.Size(320, 180), rt.Bitrate(200)),
			rt.Media(t, rt.Duration(24*time.Second), rt.Size(256, 144), rt.Bitrate(200)),
		},
	}
	f.native(t, f.PublishURL(), f.media[0], 3*time.Second, "FIN")
	session := snapshot(t, f.Relay).Streams[0].Session
	for range flaps {
		f.flap(t)
	}
	f.native(t, f.url(), f.media[0], 3*time.Second, "goodbye")

	for name, sink := range map[string]*rt.Sink{"one": one, "two": two} {
		s := awaitGoodbye(t, sink)
		steady(t, s, 700*time.Millisecond) // silence is noticed after a second, and filled
		f.inSync(t, name, s, inOrder(t, name, s.VideoHashes(), f.legs))
	}
	decodes(t, one.Sessions()[0].WriteFLV(t))
	var recorded []string
	files := takes(t, f.Relay)
	for _, file := range files {
		if !strings.HasPrefix(filepath.Base(file), session.UTC().Format("2006-01-02T15-04-05Z")) {
			t.Errorf("%s is the recording of another session", file)
		}
		decodes(t, file)
		recorded = append(recorded, rt.VideoHashes(t, file)...)
	}
	inOrder(t, "recording", recorded, f.legs)
	t.Logf("%d packets in %d recordings", len(recorded), len(files))
	if t.Failed() {
		f.explain(t)
	}
}

// explain logs what the relay saw of the show, and when its encoders sent what.
func (f *flapping) explain(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(one(t, f.Relay, "*.events.jsonl")) {
		if !strings.Contains(line, `"what":"rates"`) {
			t.Log(strings.TrimSpace(line))
		}
	}
	for n, l := range f.legs {
		if sent := f.sent[n]; len(sent) > 0 {
			t.Logf("%s: %d packets sent from %s to %s", l.name, len(sent), sent[0].At.UTC().Format(time.RFC3339Nano), sent[len(sent)-1].At.UTC().Format(time.RFC3339Nano))
		}
	}
}

// flap brings one encoder on and takes it off.
func (f *flapping) flap(t *testing.T) {
	t.Helper()
	url := f.url()
	which, on := f.rnd.IntN(len(f.media)), f.span()
	f.frozen = ""
	switch f.rnd.IntN(5) {
	case 0:
		f.program(t, "ffmpeg", url, f.other[which], on)
	case 1:
		f.program(t, "GStreamer", url, f.other[which], on)
	default:
		f.native(t, url, f.media[which], on, []string{"FIN", "RST", "silence"}[f.rnd.IntN(3)])
	}
	pause(t, f.span())
}

// url is what the next encoder publishes to: with either key, unless one is on, whose own key alone may take its place.
func (f *flapping) url() string {
	if f.frozen == fieldKey || f.frozen == "" && f.rnd.IntN(2) == 0 {
		return streamURL(f.Relay, fieldKey)
	}
	return f.PublishURL()
}

// span is a time between 0.1 s and the longest; short ones are as likely as long ones.
func (f *flapping) span() time.Duration {
	const least = 100 * time.Millisecond
	return time.Duration(float64(least) * math.Pow(float64(f.longest)/float64(least), f.rnd.Float64()))
}

// native is an encoder that knows what it sent: all of that must arrive.
func (f *flapping) native(t *testing.T, url, media string, on time.Duration, end string) {
	t.Helper()
	begin := []uint32{0, 1<<31 - 500, math.MaxUint32 - 500, f.rnd.Uint32()}[f.rnd.IntN(4)]
	e := dial(t, url)
	sent := e.SendFor(t, on, read(t, media), begin)
	l := leg{name: fmt.Sprintf("leg %d (native from %d for %v to %s)", len(f.legs), begin, on, end), whole: true}
	for i, s := range sent {
		if s.Kind == rt.KindVideo && !s.Init {
			l.video = append(l.video, s.Hash)
		}
		if i > 0 && s.At.Sub(sent[i-1].At) > 700*time.Millisecond { // a busy machine: the relay may have taken it for silence
			l.whole = false
			t.Logf("%s stood still for %v", l.name, s.At.Sub(sent[i-1].At))
		}
	}
	f.legs, f.sent = append(f.legs, l), append(f.sent, sent)
	switch end {
	case "goodbye":
		must(t, e.Goodbye())
		return
	case "silence":
		f.frozen = url[strings.LastIndex(url, "/")+1:]
		rt.Eventually(t, patient, "the relay to have all that was sent", func() bool {
			s := snapshot(t, f.Relay).Streams[0]
			return s.Publisher != nil && s.Publisher.Frames == int64(len(l.video)) ||
				len(s.Standby) == 1 && s.Standby[0].Frames == int64(len(l.video))
		})
		return
	case "FIN":
		e.Close()
	case "RST":
		e.Reset(t)
	}
	f.gone(t)
}

// program is an encoder that is killed or stopped in its tracks: some of what it would have sent must arrive.
func (f *flapping) program(t *testing.T, name, url, media string, on time.Duration) {
	t.Helper()
	var pub *rt.Publisher
	if name == "ffmpeg" {
		pub = rt.Publish(t, url, media, rt.OutputArgs("-output_ts_offset", strconv.Itoa(f.rnd.IntN(1_000_000))))
	} else if _, err := exec.LookPath("gst-launch-1.0"); err != nil {
		return
	} else {
		pub = rt.PublishWith(t, "gst-launch-1.0", "-q", "flvmux", "name=m", "streamable=true", "!", "rtmp2sink", "location="+url,
			"filesrc", "location="+media, "!", "flvdemux", "name=d", "d.video", "!", "queue", "!", "identity", "sync=true", "!", "m.video",
			"d.audio", "!", "queue", "!", "identity", "sync=true", "!", "m.audio")
	}
	pause(t, on)
	end := []string{"kill", "freeze"}[f.rnd.IntN(2)]
	l := leg{name: fmt.Sprintf("leg %d (%s for %v to %s)", len(f.legs), name, on, end), video: rt.VideoHashes(t, media)}
	f.legs, f.sent = append(f.legs, l), append(f.sent, nil)
	if end == "freeze" {
		pub.Freeze()
		f.frozen = url[strings.LastIndex(url, "/")+1:]
		return
	}
	pub.Kill()
	f.gone(t)
}

// gone waits until the relay has read all that the last encoder sent, and its end.
func (f *flapping) gone(t *testing.T) {
	t.Helper()
	rt.Eventually(t, patient, "the encoder to be gone", func() bool {
		s := snapshot(t, f.Relay).Streams[0]
		return s.Publisher == nil && len(s.Standby) == 0
	})
}

// inSync checks that sound and picture of each leg are as far from each other at the platform as they were when sent.
func (f *flapping) inSync(t *testing.T, where string, s rt.Session, found []arrived) {
	t.Helper()
	var video, audio []rt.Tag
	for _, tag := range s.Tags {
		switch {
		case tag.Init:
		case tag.Kind == rt.KindVideo:
			video = append(video, tag)
		case tag.Kind == rt.KindAudio:
			audio = append(audio, tag)
		}
	}
	worst, compared := int32(0), 0
	for n, leg := range found {
		if leg.packets == 0 {
			continue
		}
		first, last := video[leg.from], video[leg.from+leg.packets-1]
		var shift uint32 // of the leg's picture
		times := map[string][]uint32{}
		for i := len(f.sent[n]) - 1; i >= 0; i-- {
			tag := f.sent[n][i]
			if tag.Init {
				continue
			}
			if tag.Kind == rt.KindVideo && tag.Hash == first.Hash {
				shift = first.DTS - tag.Timestamp
			}
			if tag.Kind == rt.KindAudio {
				times[tag.Hash] = append(times[tag.Hash], tag.Timestamp)
			}
		}
		for _, tag := range audio {
			if at := times[tag.Hash]; len(at) == 1 && int32(tag.DTS-first.DTS) >= 0 && int32(tag.DTS-last.DTS) <= 0 {
				skew := int32(tag.DTS - at[0] - shift)
				compared++
				if max(skew, -skew) > max(worst, -worst) {
					worst = skew
				}
				if max(skew, -skew) > 100 {
					t.Errorf("%s: sound of %s is %d ms from its picture", where, f.legs[n].name, skew)
					break
				}
			}
		}
	}
	t.Logf("%s: sound and picture are %d ms apart at worst, in %d packets", where, worst, compared)
	if found != nil && compared < 100 {
		t.Errorf("%s: only %d packets of sound were found again", where, compared)
	}
}

var takeName = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)(?:\.part(\d+))?\.mp4$`)

// takes waits until all recordings are finished and returns them in the order in which they were made.
func takes(t *testing.T, r *rt.Relay) []string {
	t.Helper()
	part := func(file string) string { // sorts as made
		m := takeName.FindStringSubmatch(filepath.Base(file))
		n, _ := strconv.Atoi(m[2])
		return fmt.Sprintf("%s %06d", m[1], n)
	}
	var files []string
	rt.Eventually(t, 2*patient, "the recordings to be finished", func() bool {
		all, err := os.ReadDir(filepath.Join(r.Data, "recordings", "main"))
		must(t, err)
		files = nil
		for _, entry := range all {
			file := filepath.Join(r.Data, "recordings", "main", entry.Name())
			switch {
			case takeName.MatchString(entry.Name()):
				files = append(files, file)
			case strings.HasSuffix(entry.Name(), ".json"): // what a finished one holds
			case strings.Contains(entry.Name(), ".mp4"):
				return false // being made
			}
		}
		return len(files) > 0 && !slices.ContainsFunc(files, fragmented)
	})
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(part(a), part(b)) })
	return files
}

// fragmented reports whether a recording is as it was written, not yet an ordinary file.
func fragmented(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return true
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, _ := f.Read(head)
	return n == 0 || strings.Contains(string(head[:n]), "mvex")
}
