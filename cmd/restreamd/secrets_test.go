package main_test

import (
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// No key is in argv, environment, log, HTTP answer or file name, in any form.
func TestKeysAreNowhere(t *testing.T) {
	t.Parallel()
	const key = "canary+platform/key=4711?token=s3cret&x=1"
	sink, refusing := rt.NewSink(t), rt.NewSink(t)
	refusing.RefuseKey()
	r := rt.StartRelay(t, rt.Destination("sink", "url: "+sink.URL()+"\nkey: \""+key+"\"\n"),
		rt.Destination("refusing", "url: "+refusing.URL()+"\nkey: \""+key+"\"\n"), rt.Debug())
	const mistyped = "mistyped-canary-4711" // a key the relay does not know cannot be masked by knowing it
	canaries := forms(key, r.Key, mistyped, "canary+platform/key=4711")

	for _, target := range []string{"/live/" + mistyped, "/" + mistyped, "/" + r.Key, "/" + mistyped + "/" + r.Key, "/live/wrong-" + r.Key} {
		if _, err := rt.Dial(t, "rtmp://"+r.RTMP+target); err == nil {
			t.Fatalf("a wrong key was taken")
		}
	}
	pub := rt.Publish(t, r.PublishURL(), rt.Media(t), rt.Loop())
	awaitVideo(t, sink, 30)
	awaitState(t, r, "push", "sink", output.Running)
	rt.Eventually(t, patient, "the refusal", func() bool { return outputStatus(t, r, "push", "refusing").Failures > 1 })

	if got := sink.Sessions()[0].Key; got != key {
		t.Fatalf("the platform was given %q", got)
	}
	if len(rt.Children(r.Pid())) < 3 {
		t.Fatal("no children to look at")
	}
	for _, p := range rt.Children(r.Pid()) {
		clean(t, "argv", strings.Join(p.Args, "\n"), canaries)
		clean(t, "environment", strings.Join(p.Environ, "\n"), canaries)
	}
	for _, path := range []string{"/api/v1/status", "/metrics", "/", "/healthz", "/readyz", "/watch/main", "/hls/main/index.m3u8"} {
		_, body := r.Get(t, path)
		clean(t, path, string(body), canaries)
	}
	_ = filepath.WalkDir(r.Data, func(path string, _ os.DirEntry, _ error) error {
		clean(t, "file name", path, canaries)
		return nil
	})
	pub.Stop()
	r.Stop(t)
	clean(t, "log", r.Log(), canaries)
}

func forms(secrets ...string) []string {
	var all []string
	for _, s := range secrets {
		all = append(all, s, url.QueryEscape(s), url.PathEscape(s),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)))
	}
	return all
}

func clean(t *testing.T, where, text string, canaries []string) {
	t.Helper()
	for _, c := range canaries {
		if strings.Contains(text, c) {
			t.Errorf("a key is in the %s", where)
		}
	}
}
