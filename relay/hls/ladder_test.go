package hls_test

import (
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/hls"
)

// A new show's multivariant playlist names all renditions when it first appears, for players read it once. The one of the
// show before stays until then.
func TestMasterWaitsForRenditions(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	renditions := []string{"main@big"}
	c := compose(t, dir, hls.Settings{})
	c.Settings = func(string) hls.Settings { return hls.Settings{Window: 9, Renditions: renditions} }
	master := func(after time.Duration) string {
		t.Helper()
		if err := c.Compose(now.Add(after)); err != nil {
			t.Fatal(err)
		}
		if !exists(dir, "main", "master.m3u8") {
			return ""
		}
		return get(t, dir, "main", "master.m3u8")
	}
	old := ""
	for i, session := range []time.Time{first, second} {
		at := time.Duration(i) * time.Hour
		newChild(t, dir, "main", session, session, 0).packages(2)
		for n, name := range renditions {
			if text := master(at + time.Duration(n)*9*time.Second); text != old {
				t.Errorf("show %d, without %s:\n%s", i, name, text)
			}
			newChild(t, dir, name, session.Add(time.Duration(n)*time.Second), session, 0).packages(2)
		}
		text := master(at + 9*time.Second)
		if n := strings.Count(text, "#EXT-X-STREAM-INF"); n != 1+len(renditions) {
			t.Errorf("show %d: %d variants, want %d:\n%s", i, n, 1+len(renditions), text)
		}
		old, renditions = text, append(renditions, "main@small")
	}
}

// A rendition whose encoder does not come keeps the others for 10 s, and is named when it is there.
func TestMasterDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	c := compose(t, dir, hls.Settings{Window: 9, Renditions: []string{"main@small"}})
	own := newChild(t, dir, "main", first, first, 0)
	own.packages(2)
	for _, at := range []struct {
		after time.Duration
		there bool
	}{{0, false}, {9 * time.Second, false}, {10 * time.Second, true}} {
		if c.index("main", firstName, now.Add(at.after)); exists(dir, "main", "master.m3u8") != at.there {
			t.Errorf("after %v: there %v, want %v", at.after, !at.there, at.there)
		}
	}
	newChild(t, dir, "main@small", first, first.Add(12*time.Second), 0).packages(2)
	c.index("main", firstName, now.Add(14*time.Second))
	if text := get(t, dir, "main", "master.m3u8"); !strings.Contains(text, "main@small") {
		t.Errorf("without the rendition that came late:\n%s", text)
	}
}

// A show that is over before its renditions began has a multivariant playlist all the same.
func TestMasterOfAShortShow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := compose(t, dir, hls.Settings{Window: 9, Renditions: []string{"main@small"}})
	newChild(t, dir, "main", first, first, 0).packages(2)
	c.index("main", firstName, time.Now())
	if err := c.End("main", first); err != nil {
		t.Fatal(err)
	}
	wants(t, get(t, dir, "main", "master.m3u8"), "index.m3u8")
}
