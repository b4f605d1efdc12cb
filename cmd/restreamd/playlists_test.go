package main_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// killPackager kills the child that packages main and waits for the next one.
func killPackager(t *testing.T, r *rt.Relay) {
	t.Helper()
	before := awaitState(t, r, "hls", "hls", output.Running)
	if err := syscall.Kill(before.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	rt.Eventually(t, patient, "the next packager", func() bool {
		o := outputStatus(t, r, "hls", "hls")
		return o.Pid != 0 && o.Pid != before.Pid && o.State == output.Running
	})
}

// grows waits until the playlist lists a segment that it does not list now.
func grows(t *testing.T, r *rt.Relay, more int) {
	t.Helper()
	newest := -1
	rt.Eventually(t, patient, "new segments", func() bool {
		code, body := r.Get(t, "/hls/main/index.m3u8")
		p, err := parseList(string(body))
		if code != 200 || err != nil || len(p.segments) == 0 {
			return false
		}
		at := p.segments[len(p.segments)-1].number
		if newest < 0 {
			newest = at
		}
		return at >= newest+more
	})
}

// Whatever becomes of packagers and publishers, a player that polls ten times a second finds nothing that RFC 8216
// forbids.
func TestPlaylistModel(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ts", "fmp4"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			playlistModel(t, kind)
		})
	}
}

func playlistModel(t *testing.T, kind string) {
	wide, narrow := rt.Media(t), rt.Media(t, rt.Size(256, 144))
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {segment: 1s, window: 6, vod_keep: 1h, type: "+kind+"}"))
	v := watchList(t, "http://"+r.HTTP+"/hls/main/")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { v.run(ctx) })
	defer wg.Wait()
	defer cancel() // first

	pub := rt.Publish(t, r.PublishURL(), wide, rt.Loop())
	rounds := 1
	if long() {
		rounds = 12 // of some 50 s
	}
	breaks := 0
	for n := range rounds {
		grows(t, r, 2)
		killPackager(t, r)
		grows(t, r, 2)
		pub.Kill()
		media := narrow // another picture, another header
		if n%2 == 1 {
			media = wide
		}
		pub = rt.Publish(t, r.PublishURL(), media, rt.Loop())
		grows(t, r, 3)
		killPackager(t, r)
		grows(t, r, 2)
		breaks += 3
		for range 20 {
			if long() {
				grows(t, r, 2)
			}
		}
	}
	pub.Stop()
	rt.Eventually(t, patient, "the playlist to end", func() bool {
		return strings.HasSuffix(get(t, r, "/hls/main/index.m3u8").body, "#EXT-X-ENDLIST\n")
	})
	show := get(t, r, "/hls/main/show.m3u8").body
	rt.Eventually(t, patient, "the history to say where the whole show is", func() bool {
		all := pastShows(t, r)
		return len(all) == 1 && all[0].Playback == "public" && all[0].Show != "" && get(t, r, all[0].Show).body == show
	})

	// The next show goes on with the numbers.
	again := rt.Publish(t, r.PublishURL(), wide, rt.Loop())
	rt.Eventually(t, patient, "the next show", func() bool {
		return !strings.Contains(get(t, r, "/hls/main/index.m3u8").body, "ENDLIST")
	})
	grows(t, r, 1)
	again.Stop()
	cancel()
	wg.Wait()
	v.judge()
	if got := v.breaks(); got < breaks+1 {
		t.Errorf("%d discontinuities, want one for each of %d children and the next show", got, breaks)
	}
	wholeShow(t, r, v, show)
}

// wholeShow checks the playlist of a show that is over: it lists all that the live one listed, and decodes.
func wholeShow(t *testing.T, r *rt.Relay, v *poller, text string) {
	t.Helper()
	p, err := parseList(text)
	if err != nil || !p.ended || !strings.Contains(text, "#EXT-X-PLAYLIST-TYPE:VOD\n") {
		t.Fatalf("the whole show: %v\n%s", err, text)
	}
	var live []listed
	for _, s := range v.order {
		if s.session() == p.segments[0].session() {
			live = append(live, s)
		}
	}
	if len(live) != len(p.segments) {
		t.Errorf("the whole show has %d segments, the live playlist had %d", len(p.segments), len(live))
	}
	for i := range min(len(live), len(p.segments)) {
		if live[i].uri != p.segments[i].uri || live[i].at != p.segments[i].at || live[i].length != p.segments[i].length {
			t.Fatalf("segment %d of the whole show is %+v, live it was %+v", i, p.segments[i], live[i])
		}
	}
	file := filepath.Join(t.TempDir(), "show.m3u8")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	strict(t, file)
	if p.segments[0].init == "" {
		decodes(t, "http://"+r.HTTP+"/hls/main/"+p.segments[0].session()+".m3u8")
		return
	}
	// ffmpeg 5.1 reads an fMP4 playlist by its first init segment alone ("found duplicated MOOV Atom. Skipped it"): browsers
	// do not, so each child's part is read by itself.
	parts := map[string][]byte{}
	for _, s := range p.segments {
		if parts[s.init] == nil {
			parts[s.init] = read(t, filepath.Join(v.dir, s.init))
		}
		parts[s.init] = append(parts[s.init], read(t, filepath.Join(v.dir, s.uri))...)
	}
	for name, part := range parts {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, part, 0o600); err != nil {
			t.Fatal(err)
		}
		decodes(t, file)
	}
}

// A relay that is restarted goes on with the playlist, too.
func TestPlaylistOutlivesTheRelay(t *testing.T) {
	t.Parallel()
	config := rt.StreamConfig("record: {enabled: false}\nhls: {segment: 1s, window: 6}")
	for name, end := range map[string]func(*rt.Relay){
		"killed":    func(r *rt.Relay) { r.Kill() },
		"restarted": func(r *rt.Relay) { r.Stop(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rt.StartRelay(t, config)
			v := watchList(t, "http://"+r.HTTP+"/hls/main/")
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { v.run(ctx) })
			defer wg.Wait()
			defer cancel() // first

			pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
			grows(t, r, 2)
			rt.Eventually(t, soon, "the session to be saved", func() bool { return saved(t, r.Data) })
			v.moveTo("")
			end(r)
			pub.Kill()
			r = rt.StartRelay(t, rt.InDir(r.Dir), config)
			v.moveTo("http://" + r.HTTP + "/hls/main/")
			pub = rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
			grows(t, r, 2)
			pub.Stop()
			rt.Eventually(t, patient, "the playlist to end", func() bool {
				return strings.HasSuffix(get(t, r, "/hls/main/index.m3u8").body, "#EXT-X-ENDLIST\n")
			})
			cancel()
			wg.Wait()
			v.judge()
			sessions := map[string]bool{}
			for _, s := range v.order {
				sessions[s.session()] = true
			}
			if len(sessions) != 1 || v.breaks() != 1 {
				t.Errorf("%d sessions and %d discontinuities, want one show in two parts", len(sessions), v.breaks())
			}
		})
	}
}

// A stream with a rendition has a multivariant playlist that says what players must know to choose; both variants tell the
// same moment by the same date. DASH stands beside it.
func TestMultivariantAndDASH(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.ExtraConfig("encoders: {budget: 8}\nrenditions:\n  small: {height: 96, video_bitrate: 200kbps, preset: ultrafast}"),
		rt.StreamConfig("record: {enabled: false}\nhls: {segment: 1s, renditions: [small], dash: true}"))
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t, rt.Size(320, 180)), rt.Loop())
	var text string
	rt.Eventually(t, patient, "both variants", func() bool {
		_, body := r.Get(t, "/hls/main/master.m3u8")
		text = string(body)
		return strings.Contains(text, "\n../main@small/index.m3u8\n")
	})
	for _, want := range []string{`CODECS="avc1.`, `,mp4a.40.2"`, "RESOLUTION=320x180", "RESOLUTION=170x96", "FRAME-RATE=30.000", "\nindex.m3u8\n", ",AVERAGE-BANDWIDTH="} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	tellsTheTime(t, r)
	grows(t, r, 2)
	own, err := parseList(get(t, r, "/hls/main/index.m3u8").body)
	if err != nil {
		t.Fatal(err)
	}
	var small mediaList
	rt.Eventually(t, patient, "the rendition to list the same moments", func() bool {
		small, err = parseList(get(t, r, "/hls/main@small/index.m3u8").body)
		return err == nil && small.segments[len(small.segments)-1].at.Add(time.Second).After(own.segments[len(own.segments)-1].at)
	})
	if own.target != small.target {
		t.Errorf("target durations %d and %d", own.target, small.target)
	}
	same := 0
	for _, s := range own.segments {
		for _, o := range small.segments {
			if off := s.at.Sub(o.at).Abs(); off < s.length/2 {
				same++
				if off > 100*time.Millisecond {
					t.Errorf("%s is at %v, the same of the rendition at %v", s.uri, s.at, o.at)
				}
			}
		}
	}
	if same == 0 {
		t.Errorf("nothing of the rendition is at a time of the stream:\n%+v\n%+v", own, small)
	}
	file := filepath.Join(t.TempDir(), "master.m3u8")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	strict(t, file)
	pub.Stop()
	for path, want := range map[string]int{"master.m3u8": 2, "manifest.mpd": 1} {
		rt.Eventually(t, patient, path+" to end", func() bool {
			body := get(t, r, "/hls/main/index.m3u8").body + get(t, r, "/hls/main@small/index.m3u8").body + get(t, r, "/hls/main/manifest.mpd").body
			return strings.Count(body, "ENDLIST") == 2 && strings.Contains(body, `type="static"`)
		})
		_, said := streams(t, "http://"+r.HTTP+"/hls/main/"+path)
		if strings.Count(said, "Video: h264") != want || strings.Count(said, "Audio: aac") != want {
			t.Errorf("%s: ffprobe says, want %d of each track\n%s", path, want, said)
		}
	}
	decodes(t, "http://"+r.HTTP+"/hls/main/manifest.mpd")
}

// tellsTheTime checks that the DASH manifest names a clock, and that it is this relay's.
func tellsTheTime(t *testing.T, r *rt.Relay) {
	t.Helper()
	const path = "/hls/main/manifest.mpd"
	value := ""
	rt.Eventually(t, patient, "a manifest with a clock", func() bool {
		_, rest, _ := strings.Cut(get(t, r, path).body, `<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="`)
		value, _, _ = strings.Cut(rest, `"`)
		return value != ""
	})
	clock, err := (&url.URL{Path: path}).Parse(value)
	must(t, err)
	if code, now := answers(t, r, clock.String()); code != 200 || !strings.HasSuffix(now, "Z") {
		t.Errorf("the clock at %s: %d %q", clock, code, now)
	}
}
