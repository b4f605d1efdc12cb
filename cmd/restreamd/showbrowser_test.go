package main_test

import (
	"net/http"
	"strings"
	"testing"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// A show that is over can be watched from the dashboard, from its beginning to its end and once more.
func TestBrowserPlaysAShow(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {segment: 1s, vod_keep: 1h}\nhold: {for: 1s}"))
	if code := rt.Publish(t, r.PublishURL(), rt.Media(t)).Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	rt.Eventually(t, patient, "the show", func() bool { all := pastShows(t, r); return len(all) == 1 && all[0].Show != "" })

	dashboard := watch(t, "http://"+r.HTTP+"/")
	var page string
	rt.Eventually(t, patient, "the link to the show", func() bool {
		dashboard.eval(t, `document.querySelector("#past td a")?.href ?? ""`, &page)
		return strings.Contains(page, "/watch/main?show=")
	})
	v := watch(t, page)
	v.awaitState(t, "live")
	if at := v.look(t).Time; at > 3 {
		t.Errorf("the show begins at %.1f s", at)
	}
	v.awaitState(t, "ended")
	var where string
	v.eval(t, `document.getElementById("headline").textContent + "|" + document.getElementById("edge").hidden + document.getElementById("latency").hidden`, &where)
	if now := v.look(t); where != "The show is over|truetrue" || now.Faults > 0 {
		t.Errorf("%q, %+v", where, now)
	}
	v.click(t, "play")
	v.awaitState(t, "live")

	gone := watch(t, "http://"+r.HTTP+"/watch/main?show=20200101T000000Z")
	rt.Eventually(t, patient, "the page to say that a show is gone", func() bool { return gone.look(t).Headline == "This show is not here" })
	if code, _ := r.Get(t, "/hls/main/20200101T000000Z.m3u8"); code != http.StatusNotFound {
		t.Errorf("a show that is gone: %d", code)
	}
}
