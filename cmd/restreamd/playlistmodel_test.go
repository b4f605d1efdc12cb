package main_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// mediaList is what a media playlist says of each of its segments.
type mediaList struct {
	target   int
	segments []listed
	ended    bool
}

// listed is a segment as a playlist lists it. However often it is listed, it is the same.
type listed struct {
	number, breaks int // media sequence number, discontinuity sequence number
	uri, init      string
	length         time.Duration
	at             time.Time
	broken         bool // a discontinuity is in front of it
}

func parseList(text string) (p mediaList, err error) {
	if !strings.HasPrefix(text, "#EXTM3U\n") {
		return p, fmt.Errorf("no playlist")
	}
	var next listed
	tag := func(line, name string) (string, bool) { return strings.CutPrefix(line, "#EXT-X-"+name+":") }
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			return p, fmt.Errorf("half a line: %q", line)
		}
		line = strings.TrimSpace(line)
		if v, ok := tag(line, "TARGETDURATION"); ok {
			p.target, err = strconv.Atoi(v)
		} else if v, ok := tag(line, "MEDIA-SEQUENCE"); ok {
			next.number, err = strconv.Atoi(v)
		} else if v, ok := tag(line, "DISCONTINUITY-SEQUENCE"); ok {
			next.breaks, err = strconv.Atoi(v)
		} else if v, ok := tag(line, "PROGRAM-DATE-TIME"); ok {
			next.at, err = time.Parse(time.RFC3339, v)
		} else if v, ok := tag(line, "MAP"); ok {
			next.init = strings.Split(v, `"`)[1]
		} else if v, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
			next.length, err = time.ParseDuration(strings.TrimSuffix(v, ",") + "s")
		} else if line == "#EXT-X-DISCONTINUITY" {
			next.broken = true
			next.breaks++
		} else if line == "#EXT-X-ENDLIST" {
			p.ended = true
		} else if line != "" && line[0] != '#' {
			next.uri = line
			p.segments = append(p.segments, next)
			next = listed{number: next.number + 1, breaks: next.breaks, init: next.init}
		}
		if err != nil {
			return p, fmt.Errorf("%q: %w", line, err)
		}
	}
	return p, nil
}

// session is the one a segment belongs to, as its name tells.
func (l listed) session() string { return strings.SplitN(l.uri, "-", 2)[0] }

// poller asks for one media playlist ten times a second, as a strict player would, and keeps all it was told.
type poller struct {
	t       *testing.T
	dir     string // for what was loaded
	base    atomic.Pointer[string]
	client  http.Client
	polls   int
	lists   []string // files of the different playlists
	seen    map[int]listed
	order   []listed
	sums    map[string][sha256.Size]byte // of every URI
	left    map[string]time.Time         // until when a segment that was listed must stay
	targets map[string]int               // by session
	last    string
	prev    mediaList
}

func watchList(t *testing.T, base string) *poller {
	v := &poller{
		t: t, dir: t.TempDir(), seen: map[int]listed{}, sums: map[string][sha256.Size]byte{}, left: map[string]time.Time{}, targets: map[string]int{},
		client: http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	v.moveTo(base)
	return v
}

// moveTo has the poller look elsewhere: the relay has another port after a restart. "": nowhere for now.
func (v *poller) moveTo(base string) { v.base.Store(&base) }

// run polls until ctx is cancelled.
func (v *poller) run(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if base := *v.base.Load(); base != "" {
			v.poll(base)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (v *poller) get(base, name string) (int, []byte) {
	resp, err := v.client.Get(base + name)
	if err != nil {
		if *v.base.Load() == base { // else the relay was stopped
			v.t.Errorf("get %s: %v", name, err)
		}
		return 0, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Errorf("get %s: %v", name, err)
	}
	return resp.StatusCode, body
}

func (v *poller) poll(base string) {
	code, body := v.get(base, "index.m3u8")
	if code == 0 || code == http.StatusNotFound && v.last == "" {
		return
	}
	v.polls++
	if code != http.StatusOK {
		v.t.Errorf("poll %d: status %d", v.polls, code)
		return
	}
	if string(body) == v.last {
		return
	}
	v.last = string(body)
	file := filepath.Join(v.dir, fmt.Sprintf("%06d.m3u8", len(v.lists)))
	if err := os.WriteFile(file, body, 0o600); err != nil {
		v.t.Error(err)
	}
	v.lists = append(v.lists, file)
	p, err := parseList(v.last)
	if err != nil || len(p.segments) == 0 {
		v.t.Errorf("poll %d: %v\n%s", v.polls, err, body)
		return
	}
	v.compare(p)
	for _, s := range p.segments {
		v.load(base, s)
	}
	v.gone(base, p)
	v.prev = p
}

// compare holds a playlist against all that were before it.
func (v *poller) compare(p mediaList) {
	fail := func(format string, args ...any) {
		v.t.Errorf("poll %d: %s\n%s", v.polls, fmt.Sprintf(format, args...), v.last)
	}
	first, session := p.segments[0], p.segments[0].session()
	if known := v.targets[session]; known != 0 && known != p.target {
		fail("target duration %d, was %d", p.target, known)
	}
	v.targets[session] = p.target
	var length time.Duration
	for i, s := range p.segments {
		length += s.length
		if int(s.length.Round(time.Second).Seconds()) > p.target {
			fail("%s lasts %v", s.uri, s.length)
		}
		if i > 0 && s.at.Add(2*time.Millisecond).Before(p.segments[i-1].at.Add(p.segments[i-1].length)) {
			fail("%s begins at %v, before the one in front of it ends", s.uri, s.at)
		}
		known, ok := v.seen[s.number]
		switch {
		case ok && known != s:
			fail("segment %d was %+v and is %+v", s.number, known, s)
		case ok:
		case len(v.order) > 0:
			newest := v.order[len(v.order)-1]
			if s.number <= newest.number || s.at.Before(newest.at) || s.breaks < newest.breaks {
				fail("segment %d goes back behind %+v", s.number, newest)
			}
			fallthrough
		default:
			v.seen[s.number] = s
			v.order = append(v.order, s)
		}
	}
	if len(v.prev.segments) == 0 {
		return
	}
	old := v.prev.segments[0]
	if first.number < old.number || first.breaks < old.breaks {
		fail("sequence numbers %d, %d were %d, %d", first.number, first.breaks, old.number, old.breaks)
	}
	if session == old.session() && first.number > old.number && length < time.Duration(3*p.target)*time.Second {
		fail("%v in the playlist, less than three target durations", length)
	}
	if session == old.session() && v.prev.ended {
		fail("a playlist that had ended changed")
	}
}

// load takes a segment and what must come before it, once.
func (v *poller) load(base string, s listed) {
	for _, name := range []string{s.init, s.uri} {
		if _, known := v.sums[name]; known || name == "" {
			continue
		}
		code, body := v.get(base, name)
		if code == 0 {
			return
		}
		if code != http.StatusOK || len(body) == 0 {
			v.t.Errorf("%s: status %d, %d bytes", name, code, len(body))
		}
		v.sums[name] = sha256.Sum256(body)
		if err := os.WriteFile(filepath.Join(v.dir, name), body, 0o600); err != nil {
			v.t.Error(err)
		}
	}
}

// gone looks again at the segments that have left the playlist: they must be there for as long as the playlist and they
// themselves last, and never change.
func (v *poller) gone(base string, p mediaList) {
	var length time.Duration
	for _, s := range p.segments {
		length += s.length
	}
	now := time.Now()
	for _, s := range v.order {
		if s.number >= p.segments[0].number || s.session() != p.segments[0].session() {
			continue
		}
		if _, known := v.left[s.uri]; !known {
			v.left[s.uri] = now.Add(length + s.length)
		}
		if now.Before(v.left[s.uri]) {
			v.same(base, s.uri)
		}
	}
}

func (v *poller) same(base, name string) {
	code, body := v.get(base, name)
	if code == 0 {
		return
	}
	if code != http.StatusOK || sha256.Sum256(body) != v.sums[name] {
		v.t.Errorf("%s is no longer what it was: status %d, %d bytes", name, code, len(body))
	}
}

// judge has what was seen read by others: every playlist by hls-parser, every segment by ffprobe.
func (v *poller) judge() {
	v.t.Helper()
	for _, s := range v.newest().segments {
		v.same(*v.base.Load(), s.uri)
	}
	strict(v.t, v.lists...)
	for _, s := range v.order {
		v.lasts(s)
	}
	v.t.Logf("%d polls, %d different playlists, %d segments, %d discontinuities", v.polls, len(v.lists), len(v.order), v.breaks())
}

func (v *poller) newest() mediaList { return v.prev }

// breaks counts the discontinuities between segments.
func (v *poller) breaks() int {
	if len(v.order) == 0 {
		return 0
	}
	return v.order[len(v.order)-1].breaks - v.order[0].breaks
}

// lasts compares a segment's length with that of its pictures, to two of them.
func (v *poller) lasts(s listed) {
	file := filepath.Join(v.dir, s.uri)
	if s.init != "" {
		joined := filepath.Join(v.dir, "joined.mp4")
		var all []byte
		for _, name := range []string{s.init, s.uri} {
			b, err := os.ReadFile(filepath.Join(v.dir, name))
			if err != nil {
				v.t.Error(err)
			}
			all = append(all, b...)
		}
		if err := os.WriteFile(joined, all, 0o600); err != nil {
			v.t.Error(err)
		}
		file = joined
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", file).Output()
	if err != nil {
		v.t.Errorf("look into %s: %v", s.uri, err)
		return
	}
	var from, to, still float64 // still: the longest time between two pictures in the order they are in
	n := 0
	for line := range strings.Lines(string(out)) {
		text, flags, _ := strings.Cut(strings.TrimSpace(line), ",")
		at, err := strconv.ParseFloat(text, 64)
		if err != nil {
			continue
		}
		if n == 0 {
			from, to = at, at
			if !strings.HasPrefix(flags, "K") {
				v.t.Errorf("%s does not begin with a keyframe", s.uri)
			}
		}
		still = max(still, at-to)
		from, to, n = min(from, at), max(to, at), n+1
	}
	if n < 2 {
		v.t.Logf("%s holds %d pictures", s.uri, n)
		return
	}
	frame := (to - from) / float64(n-1)
	// How long the last picture stands is nobody's to know, and in a hold pictures are half a second apart.
	if off := s.length.Seconds() - (to - from + frame); off < -2*frame-0.05-still || off > 2*frame+0.05 {
		v.t.Errorf("%s is said to last %v; its %d pictures last %.3f s", s.uri, s.length, n, to-from+frame)
	}
}

// strict has hls-parser read playlists, in its strict mode.
func strict(t *testing.T, files ...string) {
	t.Helper()
	module, err := filepath.Abs("../../.bin/hls/node_modules/hls-parser/index.js")
	if err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if _, there := os.Stat(module); err != nil || there != nil {
		t.Log("no hls-parser here (scripts/install-test-deps.sh brings it): playlists were read by this test alone")
		return
	}
	if out, err := exec.Command(node, append([]string{"testdata/hlsparse.mjs", module}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("hls-parser: %v\n%s", err, out)
	}
}
