package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// No token, no secret that signs them, no admin token and nothing of the webhook's URL is in argv, environment, log,
// HTTP answer or file name, in any form: whether they open the door, are refused, or go wrong.
func TestDoorSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	const hookSecret, admin = "hook-canary+s3cret/4711=", "admin-canary-4711-0815"
	h := newHook(t)
	sink := rt.NewSink(t)
	config := func(hook string) rt.RelayOption {
		return rt.ExtraConfig("auth: {jwt: {secret_file: jwt.secret}, webhook: \"" + hook + "/publish?auth=" + hookSecret + "\"}\n")
	}
	r := rt.StartRelay(t, rt.Debug(), rt.File("jwt.secret", jwtSecret+"\n"), config(h.URL),
		rt.File("data/admin.token", admin+"\n"), rt.Destination("sink", destination(sink, "platform")))
	good, play := newToken(t, r), newToken(t, r, "--action", "play")
	expired := signed(t, jwtSecret, time.Now().Add(-2*time.Hour), time.Hour)
	forged := signed(t, "another secret of 32 characters.", time.Now(), time.Hour)
	canaries := forms(good, play, expired, forged, jwtSecret, admin, hookSecret, "passenger-canary", canary("platform"))
	for _, tok := range []string{good, play, expired, forged} { // a part is enough to give it away
		canaries = append(canaries, strings.Split(tok, ".")[1:]...)
	}

	wrong := []string{
		play, expired, forged, "x?token=" + expired, "x?token=" + forged + "broken", "guest-no?pass=passenger-canary", good + ".x",
	}
	tryAll(t, r, wrong)
	h.Close()
	tryAll(t, r, []string{"guest?pass=passenger-canary"}) // the webhook is down
	pub := rt.Publish(t, streamURL(r, "x?token="+good), rt.Media(t), rt.Loop())
	awaitVideo(t, sink, 30)
	if codecs, why := streams(t, streamURL(r, play)); codecs != "h264 aac" {
		t.Fatalf("not played: %s", why)
	}
	before := strings.Count(r.Log(), takenUp)
	r.Configure(t, config("http://127.0.0.1:1"), rt.StreamConfig("revoke: end"))
	awaitTakenUp(t, r, before)
	r.PutConfig(t, "auth: {webhook: \"ftp://127.0.0.1:1/?auth="+hookSecret+"\"}\n")
	awaitLog(t, r, "not taken up")

	for _, path := range []string{"/api/v1/status", "/metrics", "/", "/healthz", "/readyz", "/watch/main", "/hls/main/index.m3u8"} {
		_, body := r.Get(t, path)
		clean(t, path, string(body), canaries)
	}
	ours := append(slices.DeleteFunc(rt.Children(os.Getpid()), func(p rt.Proc) bool { return p.Pid != r.Pid() }), rt.Children(r.Pid())...)
	if len(ours) < 4 {
		t.Fatalf("only %d processes to look at, want the relay, recording, HLS and push", len(ours))
	}
	for _, p := range ours {
		clean(t, "argv", strings.Join(p.Args, "\n"), canaries)
		clean(t, "environment", strings.Join(p.Environ, "\n"), canaries)
	}
	for _, bearer := range []string{admin, admin + "x"} {
		clean(t, "answer to a change", disconnect(t, r, bearer), canaries)
	}
	_ = filepath.WalkDir(r.Dir, func(path string, _ os.DirEntry, _ error) error {
		clean(t, "file name", path, canaries)
		return nil
	})
	pub.Stop()
	r.Stop(t)
	clean(t, "log", r.Log(), canaries)
}

// tryAll publishes with what must not be let in.
func tryAll(t *testing.T, r *rt.Relay, keys []string) {
	t.Helper()
	for _, key := range keys {
		if _, err := rt.Dial(t, streamURL(r, key)); err == nil {
			t.Errorf("%.20s… was let in", key)
		}
	}
}

// disconnect asks for the publisher's end over HTTP and returns the whole answer.
func disconnect(t *testing.T, r *rt.Relay, bearer string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+r.HTTP+"/api/v1/streams/main/disconnect", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	resp, body := r.Do(t, req)
	var answer strings.Builder
	if err := resp.Header.Write(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.String() + string(body)
}
