package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

const fieldKey = "field-4711"

// pair is a relay with a primary and a backup encoder, whose pictures differ while their codec headers do not.
type pair struct {
	*rt.Relay
	sink     *rt.Sink
	pictures map[string]map[string]bool // by key: the hashes it may send
	studio   *rt.Publisher
	field    *rt.Publisher
}

func newPair(t *testing.T, stream string) *pair {
	t.Helper()
	p := &pair{sink: rt.NewSink(t, rt.KeepBodies()), pictures: map[string]map[string]bool{"studio": {}, "field": {}}}
	p.Relay = rt.StartRelay(t, rt.Destination("platform", destination(p.sink, "k")), rt.StreamConfig("hls: {enabled: false}\n"+stream),
		rt.StreamKey("{name: field, key: "+fieldKey+", role: backup}"))
	media := map[string]string{"studio": rt.Media(t), "field": rt.Media(t, rt.Bitrate(1000))}
	for key, file := range media {
		for _, hash := range rt.VideoHashes(t, file) {
			p.pictures[key][hash] = true
		}
	}
	p.studio = rt.Publish(t, p.PublishURL(), media["studio"], rt.Loop())
	p.await(t, "studio", time.Now())
	p.field = rt.Publish(t, streamURL(p.Relay, fieldKey), media["field"], rt.Loop())
	rt.Eventually(t, patient, "the backup to stand by", func() bool {
		s := snapshot(t, p.Relay).Streams[0]
		return s.Publisher != nil && s.Publisher.Key == "studio" && len(s.Standby) == 1 && s.Standby[0].Keyframes > 1
	})
	return p
}

// await waits until a platform is given a key's pictures that no other key has, and returns when the first of them came
// after a moment.
func (p *pair) await(t *testing.T, key string, after time.Time) time.Time {
	t.Helper()
	var at time.Time
	p.sink.Wait(t, patient, func(all []rt.Session) bool {
		for _, s := range all {
			for _, tag := range s.Tags {
				if tag.Kind == rt.KindVideo && !tag.Init && tag.At.After(after) && p.pictures[key][tag.Hash] {
					at = tag.At
					return true
				}
			}
		}
		return false
	})
	return at
}

// newest is the key whose picture the platform was given last.
func (p *pair) newest() string {
	all := p.sink.Sessions()
	hashes := all[len(all)-1].VideoHashes()
	for key, pictures := range p.pictures {
		if pictures[hashes[len(hashes)-1]] {
			return key
		}
	}
	return ""
}

func (p *pair) switchTo(t *testing.T, to string) int {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(p.Data, "admin.token"))
	must(t, err)
	req, err := http.NewRequest(http.MethodPost, "http://"+p.HTTP+"/api/v1/streams/main/switch?to="+to, nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, _ := p.Do(t, req)
	return resp.StatusCode
}

// told waits until the session's black box has a line with words.
func (p *pair) told(t *testing.T, words ...string) {
	t.Helper()
	rt.Eventually(t, soon, fmt.Sprintf("a line with %q in the black box", words), func() bool {
		files, _ := filepath.Glob(filepath.Join(p.Data, "recordings", "main", "*.events.jsonl"))
		for _, file := range files {
			for line := range strings.Lines(string(read(t, file))) {
				if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
					return true
				}
			}
		}
		return false
	})
}

// end waits for the end of the show and checks that it was one, without a hole, for the platform and the recording.
func (p *pair) end(t *testing.T) {
	t.Helper()
	s := awaitGoodbye(t, p.sink)
	unbroken(t, s)
	soundGoesOn(t, s)
	decodes(t, s.WriteFLV(t))
	decodes(t, awaitFinished(t, p.Relay))
}

// soundGoesOn checks that sound has no hole: a picture may be kept for half a second, a frame of sound lasts 23 ms.
func soundGoesOn(t *testing.T, s rt.Session) {
	t.Helper()
	last := uint32(0)
	for i, tag := range s.Tags {
		if tag.Init || tag.Kind != rt.KindAudio {
			continue
		}
		if last > 0 && tag.DTS-last > 150 {
			t.Errorf("packet %d: %d ms without sound", i, tag.DTS-last)
		}
		last = tag.DTS
	}
}

// The primary's network is lost and nobody says so: its connection stays open. The backup feeds within two GOPs, and
// the primary again once it has been well for a while.
func TestBackupTakesOverFromASilentPrimary(t *testing.T) {
	t.Parallel()
	p := newPair(t, "hold: {fail_back: 2s}")
	p.studio.Freeze()
	frozen := time.Now()
	took := p.await(t, "field", frozen).Sub(frozen)
	t.Logf("the backup's first picture came %v after the primary fell silent", took.Round(10*time.Millisecond))
	if took > 2*time.Second {
		t.Errorf("the platform saw the backup after %v, want two GOPs of 1 s", took)
	}
	if s := snapshot(t, p.Relay).Streams[0]; s.Publisher == nil || s.Publisher.Role != relay.Backup || s.Hold != nil {
		t.Errorf("status: fed by %+v, hold %+v", s.Publisher, s.Hold)
	}
	p.told(t, `"what":"switch"`, `"key":"field"`, "studio: no media for 1s")
	if !strings.Contains(p.Log(), "studio: no media for 1s") {
		t.Error("the log does not name what triggered the switch")
	}

	p.studio.Thaw()
	thawed := time.Now()
	took = p.await(t, "studio", thawed).Sub(thawed)
	t.Logf("the primary's first picture came %v after it was back", took.Round(10*time.Millisecond))
	if took < 2*time.Second {
		t.Errorf("the primary was trusted after %v, want 2 s", took)
	}
	p.field.Stop()
	p.studio.Stop()
	p.end(t)
}

// The primary's machine dies: the kernel tells.
func TestBackupTakesOverFromADeadPrimary(t *testing.T) {
	t.Parallel()
	p := newPair(t, "")
	p.studio.Kill()
	killed := time.Now()
	took := p.await(t, "field", killed).Sub(killed)
	t.Logf("the backup's first picture came %v after the primary was killed", took.Round(10*time.Millisecond))
	if took > 2*time.Second {
		t.Errorf("the platform saw the backup after %v, want two GOPs of 1 s", took)
	}
	p.field.Kill()
	awaitHold(t, p.Relay)
	p.studio = rt.Publish(t, p.PublishURL(), rt.Media(t), rt.Loop())
	p.await(t, "studio", time.Now())
	p.studio.Stop()
	p.end(t)
}

// Who is at the desk decides: a switch by hand stays until the next one.
func TestSwitchByHand(t *testing.T) {
	t.Parallel()
	p := newPair(t, "hold: {fail_back: 1s}")
	if code := p.switchTo(t, "field"); code != http.StatusNoContent {
		t.Fatalf("switch answers %d", code)
	}
	p.await(t, "field", time.Now())
	pause(t, 4*time.Second)
	if now := p.newest(); now != "field" {
		t.Errorf("4 s after a switch to the backup by hand %q is on", now)
	}
	if code := p.switchTo(t, "primary"); code != http.StatusNoContent {
		t.Fatalf("switch answers %d", code)
	}
	p.await(t, "studio", time.Now())
	if code := p.switchTo(t, "nobody"); code != http.StatusConflict {
		t.Errorf("a switch to nobody answers %d", code)
	}
	p.field.Stop() // it stands by: nothing changes
	p.await(t, "studio", time.Now())
	p.studio.Stop()
	p.end(t)
}

// One who says goodbye ends the show only where nobody else is there to go on with it.
func TestGoodbyeOfOneOfTwo(t *testing.T) {
	t.Parallel()
	p := newPair(t, "")
	if code := p.switchTo(t, "backup"); code != http.StatusNoContent {
		t.Fatalf("switch answers %d", code)
	}
	p.await(t, "field", time.Now())
	p.studio.Stop()
	p.await(t, "field", time.Now().Add(time.Second))
	p.field.Stop()
	p.end(t)
}
