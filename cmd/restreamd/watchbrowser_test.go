package main_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// watched is how long playing is watched.
func watched() time.Duration {
	if os.Getenv("RESTREAMD_LONG") != "" {
		return time.Minute
	}
	return 16 * time.Second
}

// HLS plays in time while its packager is killed: what is lost is the packager's, not the viewer's.
func TestBrowserPlaysHLS(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {segment: 2s}"))
	rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	v := watch(t, "http://"+r.HTTP+"/watch/main")
	rt.Eventually(t, patient, "the browser to play", func() bool { return v.look(t).Time > 1 })
	v.play(t, watched()/4)
	killHLS(t, r)
	v.play(t, watched()*3/4)
	v.inTime(t, "hls")
}

// HTTP-FLV plays in time, whatever becomes of HLS.
func TestBrowserPlaysLowLatency(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {segment: 2s}"))
	rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	awaitFLV(t, r)
	v := watch(t, "http://"+r.HTTP+"/watch/main")
	v.awaitState(t, "live")
	v.click(t, "low")
	rt.Eventually(t, patient, "the browser to play low latency", func() bool {
		now := v.look(t)
		return now.Way == "flv" && now.State == "live" && now.Time > 1
	})
	v.play(t, watched()/4)
	killHLS(t, r)
	v.play(t, watched()*3/4)
	v.inTime(t, "flv")

	var kept string
	if v.eval(t, `localStorage.getItem("watch.low")`, &kept); kept != "yes" {
		t.Errorf("the choice is not remembered: %q", kept)
	}
}

// inTime reports whether the video kept up with the clock on the wall, without a fault.
func (v *viewer) inTime(t *testing.T, way string) {
	t.Helper()
	now := v.look(t)
	t.Logf("%s: of %.1f s played %.1f s, stood still for %v at most, %d faults", now.Way, v.watched.Seconds(), v.played, v.still.Round(10*time.Millisecond), now.Faults)
	if now.Way != way || now.State != "live" || now.Faults > 0 {
		t.Errorf("%+v, want %s, live and without a fault", now, way)
	}
	want := 0.98 * v.watched.Seconds()
	if v.watched < time.Minute {
		want -= 0.5 // one hiccup of a busy machine
	}
	if v.played < want {
		t.Errorf("of %v the browser played %.1f s, want %.1f", v.watched, v.played, want)
	}
}

// killHLS kills main's packager and waits for the next one.
func killHLS(t *testing.T, r *rt.Relay) {
	t.Helper()
	packager := func() int {
		all := rt.Children(r.Pid())
		i := slices.IndexFunc(all, func(p rt.Proc) bool { return slices.Contains(p.Args, "hls") })
		if i < 0 {
			return 0
		}
		return all[i].Pid
	}
	pid := packager()
	if pid == 0 {
		t.Fatal("no packager runs")
	}
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	rt.Eventually(t, patient, "the next packager", func() bool { next := packager(); return next != 0 && next != pid })
}

// awaitFLV waits until the stream can be played over HTTP-FLV.
func awaitFLV(t *testing.T, r *rt.Relay) {
	t.Helper()
	rt.Eventually(t, patient, "the stream to be live", func() bool { return snapshot(t, r).Streams[0].Live })
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.HTTP+"/flv/main.flv", nil)
	must(t, err)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	must(t, err)
	defer resp.Body.Close()
	head := make([]byte, 64)
	n, _ := io.ReadAtLeast(resp.Body, head, 3)
	if resp.StatusCode != http.StatusOK || string(head[:3]) != "FLV" {
		t.Fatalf("HTTP-FLV: %s %q", resp.Status, head[:n])
	}
}

// The page says in words what becomes of the show, and comes back by itself: after the encoder, a restart of the relay and
// the end of the show.
func TestBrowserComesBack(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	opts := []rt.RelayOption{rt.StreamConfig("record: {enabled: false}\nhls: {segment: 1s}\nhold: {for: 1s}")}
	r := rt.StartRelay(t, opts...)
	v := watch(t, "http://"+r.HTTP+"/watch/main")
	v.awaitState(t, "waiting")
	rt.Eventually(t, patient, "the page to say it", func() bool { return strings.HasPrefix(v.look(t).Said, "main is not live yet") })

	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	v.awaitState(t, "live")
	pub.Stop()
	v.awaitState(t, "ended")
	if now := v.look(t); now.Headline != "main has ended" {
		t.Errorf("%+v", now)
	}
	larger := rt.Publish(t, r.PublishURL(), rt.Media(t, rt.Size(960, 540)), rt.Loop())
	v.awaitState(t, "live")
	if now := v.look(t); now.Width != 960 {
		t.Errorf("the next show: %+v", now)
	}

	r.Kill()
	v.awaitState(t, "lost")
	larger.Kill()
	next := rt.StartRelay(t, append(opts, rt.InDir(r.Dir), rt.ListenHTTP(r.HTTP))...)
	rt.Publish(t, next.PublishURL(), rt.Media(t), rt.Loop())
	v.awaitState(t, "live")
	rt.Eventually(t, patient, "the page to say it", func() bool { return v.look(t).Said == "main: live" })
}

// Keys do what the page says they do, and nothing once they are switched off.
func TestBrowserKeys(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {segment: 1s, window: 30}"))
	rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	v := watch(t, "http://"+r.HTTP+"/watch/main")
	// Ten seconds back is more than the player wins back by itself in a minute.
	rt.Eventually(t, patient, "some seconds to go back", func() bool { return v.look(t).Time > 15 })
	is := func(expression string) func() bool {
		return func() (yes bool) {
			v.eval(t, expression, &yes)
			return yes
		}
	}
	for _, step := range []struct{ key, text, want string }{
		{"k", "k", "video.paused && document.getElementById('play').getAttribute('aria-label') === 'Play'"},
		{" ", " ", "!video.paused"},
		{"m", "m", "!video.muted && document.getElementById('mute').getAttribute('aria-label') === 'Mute'"},
		{"m", "m", "video.muted"},
		{"ArrowLeft", "", "document.getElementById('edge').dataset.on === 'false' && !video.seeking"},
		{"l", "l", "document.getElementById('edge').dataset.on === 'true'"},
	} {
		v.press(t, step.key, step.text)
		rt.Eventually(t, patient, "the key "+step.key, is(step.want))
	}
	v.click(t, "keys")
	v.press(t, "m", "m")
	if is("!video.muted")() {
		t.Error("a key that is switched off")
	}
	if v.look(t).Faults > 0 {
		t.Errorf("%+v", v.look(t))
	}
}

// How old is what a viewer sees? Measured from a clock in the picture, over the way through encoder, relay and browser.
func TestBrowserGlassToGlass(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {segment: 2s}"))
	publishClock(t, r.PublishURL())
	v := watch(t, "http://"+r.HTTP+"/watch/main")
	rt.Eventually(t, patient, "the browser to play", func() bool { return v.look(t).Time > 3 })
	usual, worst := v.glassToGlass(t, watched()/2)
	t.Logf("HLS, segments of 2 s: glass to glass %v, at worst %v (wanted: 7 s)", usual, worst)
	if usual > 10*time.Second {
		t.Errorf("HLS is %v late", usual)
	}
	var told string
	v.eval(t, `document.getElementById("late").textContent`, &told)
	t.Logf("the page says %s", told)

	awaitFLV(t, r)
	v.click(t, "low")
	rt.Eventually(t, patient, "the browser to play low latency", func() bool {
		now := v.look(t)
		return now.Way == "flv" && now.State == "live" && now.Time > 3
	})
	usual, worst = v.glassToGlass(t, watched()/2)
	t.Logf("HTTP-FLV: glass to glass %v, at worst %v (wanted: 1.2 s)", usual, worst)
	if usual > 3*time.Second {
		t.Errorf("HTTP-FLV is %v late", usual)
	}
}

// A page that waits for the show has its renditions in the menu when it begins.
func TestBrowserWhoWaitedHasRenditions(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	r := rt.StartRelay(t, rt.ExtraConfig("encoders: {budget: 8}\nrenditions: {small: {width: 256, height: 144, video_bitrate: 200kbps, preset: ultrafast}}"),
		rt.StreamConfig("record: {enabled: false}\nhls: {segment: 1s, renditions: [small]}\nhold: {for: 1s}"))
	v := watch(t, "http://"+r.HTTP+"/watch/main")
	v.awaitState(t, "waiting")
	for range 2 {
		pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
		v.awaitState(t, "live")
		rt.Eventually(t, patient, "the renditions to choose from", func() (yes bool) {
			v.eval(t, `document.getElementById("quality").options.length === 3`, &yes)
			return yes
		})
		pub.Stop()
		v.awaitState(t, "ended")
	}
}
