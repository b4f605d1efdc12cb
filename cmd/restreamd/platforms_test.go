package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// trouble is a platform that misbehaves, from a moment on, until it is well again.
type trouble struct {
	class output.Class
	sink  *rt.Sink
	begin func()
	end   func()
	// byHand: the class waits long by design, so that somebody who knows better says retry.
	byHand bool
	extra  string // of its file
}

// Whatever a platform does, its status names it within 5 s and is clear again within 10 s; nobody else loses a packet.
func TestTroubleIsNamedAndStaysAlone(t *testing.T) {
	t.Parallel()
	slow, late := rt.NewSink(t), rt.NewSink(t)
	refusing, resetting, wedged, down, chatty := rt.NewSink(t), rt.NewSink(t), rt.NewSink(t), rt.NewSink(t), rt.NewSink(t)
	late.AnswerAfter(10 * time.Second)
	refusing.RefuseKey()
	down.Stop()
	resetting.ResetAfter(2 * time.Second)
	troubles := map[string]*trouble{
		"refusing":  {class: output.Rejected, sink: refusing, end: refusing.Accept, byHand: true},
		"resetting": {class: output.Closed, sink: resetting, end: resetting.Accept, byHand: true},
		"late":      {class: output.Timeout, sink: late}, // it answers by itself
		"down":      {class: output.Refused, sink: down, end: func() { must(t, down.Restart()) }},
		"wedged":    {class: output.Wedged, sink: wedged, begin: wedged.Wedge, end: wedged.Unwedge},
		"slow":      {class: output.Slow, sink: slow, begin: func() { slow.Throttle(60_000) }, end: slow.Accept},
		"chatty":    {class: output.Wedged, sink: chatty, begin: chatty.Chatter, end: chatty.Accept},
	}
	steady, discarding := rt.NewSink(t), rt.NewSink(t)
	discarding.Discard()
	options := []rt.RelayOption{
		rt.StreamConfig("hls: {enabled: false}"), rt.Destination("steady", destination(steady, "k")),
		rt.Destination("discarding", destination(discarding, "k")),
	}
	for name, x := range troubles {
		options = append(options, rt.Destination(name, destination(x.sink, "key-of-"+name)+x.extra))
	}
	media := rt.Media(t, rt.Duration(40*time.Second), rt.Size(320, 180), rt.Bitrate(700))
	r := rt.StartRelay(t, options...)
	pub := rt.Publish(t, r.PublishURL(), media)
	for _, sink := range []*rt.Sink{slow, wedged, chatty} {
		awaitVideo(t, sink, 30)
	}
	for _, x := range troubles {
		if x.begin != nil {
			x.begin()
		}
	}
	began := time.Now()
	seen := map[string]time.Duration{}
	rt.Eventually(t, patient, "every trouble to be named", func() bool {
		for name, x := range troubles {
			if o := outputStatus(t, r, "push", name); o.Class == x.class && seen[name] == 0 {
				seen[name] = time.Since(began)
				if o.Reason == "" {
					t.Errorf("%s: no reason is given", name)
				}
			}
		}
		return len(seen) == len(troubles)
	})
	for name, took := range seen {
		t.Logf("%-10s %-9s named after %v", name, troubles[name].class, took.Round(100*time.Millisecond))
		if took > 6*time.Second { // 5 s, and the time of a look at all of them
			t.Errorf("%s was named after %v, want 5 s", name, took)
		}
	}
	if o := outputStatus(t, r, "push", "discarding"); o.Class != "" || o.Delivery == nil || o.Delivery.Grade != output.Acked || o.Delivery.Proved == nil {
		t.Errorf("a platform that takes everything: %+v, %+v", o, o.Delivery)
	}

	began = time.Now()
	for name, x := range troubles {
		if x.end != nil {
			x.end()
		}
		if x.byHand {
			retry(t, r, name)
		}
	}
	cleared := map[string]time.Duration{}
	rt.Eventually(t, patient, "every trouble to be over", func() bool {
		for name := range troubles {
			o := outputStatus(t, r, "push", name)
			if o.State == output.Running && o.Class == "" && o.Delivery.Grade == output.Acked && cleared[name] == 0 {
				cleared[name] = time.Since(began)
			}
			if troubles[name].byHand && o.State == output.Retrying {
				retry(t, r, name) // the try before it was under way when the platform got well
			}
		}
		return len(cleared) == len(troubles)
	})
	for name, took := range cleared {
		t.Logf("%-10s clear after %v", name, took.Round(100*time.Millisecond))
		if took > 12*time.Second {
			t.Errorf("%s was clear after %v, want 10 s", name, took)
		}
	}

	if code := pub.Wait(); code != 0 {
		t.Fatalf("the encoder ended with %d", code)
	}
	want := rt.VideoHashes(t, media)
	sameHashes(t, "steady", awaitGoodbye(t, steady).VideoHashes(), want)
	sameHashes(t, "recording", rt.VideoHashes(t, awaitFinished(t, r)), want)
	for name := range troubles {
		if strings.Contains(r.Log(), "key-of-"+name) {
			t.Errorf("the key of %s is in the log", name)
		}
	}
}

// A certificate that is not to be trusted is named with what is wrong with it, and no key is given to its holder.
func TestBadCertificatesAreNamed(t *testing.T) {
	t.Parallel()
	expired, foreign, elsewhere, good, private := rt.NewSink(t, rt.Expired()), rt.NewSink(t, rt.TLS()),
		rt.NewSink(t, rt.TLS("other.test")), rt.NewSink(t, rt.TLS()), rt.NewSink(t, rt.SelfSigned())
	ca := func(s *rt.Sink) string { return "ca_file: " + s.CAFile() + "\n" }
	r := rt.StartRelay(t, rt.StreamConfig("record: {enabled: false}\nhls: {enabled: false}"),
		rt.Destination("expired", destination(expired, "k1")+ca(expired)),
		rt.Destination("foreign", destination(foreign, "k2")),
		rt.Destination("elsewhere", destination(elsewhere, "k3")+ca(elsewhere)),
		rt.Destination("good", destination(good, "k4")+ca(good)),
		rt.Destination("private", destination(private, "k5")+"insecure: true\n"))
	media := rt.Media(t)
	pub := rt.Publish(t, r.PublishURL(), media, rt.Loop())
	for name, words := range map[string]string{"expired": "expired", "foreign": "not signed by", "elsewhere": "other.test"} {
		rt.Eventually(t, soon, name+" to be named", func() bool {
			o := outputStatus(t, r, "push", name)
			return o.Class == output.TLS && strings.Contains(o.Reason, words)
		})
	}
	awaitVideo(t, good, 10)
	awaitVideo(t, private, 10)
	for name, sink := range map[string]*rt.Sink{"expired": expired, "foreign": foreign, "elsewhere": elsewhere} {
		for _, s := range sink.Sessions() {
			if s.Key != "" {
				t.Errorf("%s was told a key", name)
			}
		}
	}
	if !strings.Contains(r.Log(), "INSECURE") {
		t.Error("insecure: true is not loud")
	}
	// It is put right without a hand: the authority's file appears.
	file := filepath.Join(r.Destinations, "..", "ca.pem")
	pem, err := os.ReadFile(foreign.CAFile())
	must(t, err)
	must(t, os.WriteFile(file, pem, 0o644))
	r.PutDestination(t, "foreign", destination(foreign, "k2")+"ca_file: "+file+"\n")
	awaitVideo(t, foreign, 10)
	pub.Stop()
}

func retry(t *testing.T, r *rt.Relay, name string) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(r.Data, "admin.token"))
	must(t, err)
	req, err := http.NewRequest(http.MethodPost, fmt.Sprintf("http://%s/api/v1/outputs/main/push/%s/retry", r.HTTP, name), nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	r.Do(t, req)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
