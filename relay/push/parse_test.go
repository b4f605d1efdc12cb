package push_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/push"
	"github.com/restreamd/restreamd/relay/secret"
)

var goodCases = []struct {
	name, platform, url, key string

	tcURL, wantKey string // wantKey: "" means key as given
	notes          int
}{
	{"a platform alone", "twitch", "", "live_1_abc", "rtmp://live.twitch.tv:1935/app", "", 0},
	{"its own URL wins", "twitch", "rtmps://eu.example.net/app", "k", "rtmps://eu.example.net:443/app", "", 0},
	{"a query in the key", "twitch", "", "k?bandwidthtest=true", "rtmp://live.twitch.tv:1935/app", "", 0},
	{"a query in the app", "youtube", "rtmps://b.rtmps.youtube.com:443/live2?backup=1", "k", "rtmps://b.rtmps.youtube.com:443/live2?backup=1", "", 0},
	{"pasted white space", "twitch", " rtmp://live.twitch.tv/app \n", "\ufeffk\r\n", "rtmp://live.twitch.tv:1935/app", "k", 0},
	{"a slash after the app", "", "rtmp://host/live/", "k", "rtmp://host:1935/live", "", 0},
	{"an app of two levels", "", "rtmp://host/live/room", "k", "rtmp://host:1935/live/room", "", 0},
	{"a slash before the query", "", "rtmp://host/live/?a=b", "k", "rtmp://host:1935/live?a=b", "", 0},
	{"upper case", "", "RTMPS://Host.Example/App", "K", "rtmps://host.example:443/App", "", 0},
	{"IPv4 and a port", "", "rtmp://10.0.0.1:1936/app", "k", "rtmp://10.0.0.1:1936/app", "", 0},
	{"IPv6", "", "rtmp://[2001:DB8::1]/app", "k", "rtmp://[2001:db8::1]:1935/app", "", 0},
	{"IPv6 and a port", "", "rtmps://[::1]:8443/app", "k", "rtmps://[::1]:8443/app", "", 0},
	{"nothing is decoded", "", "rtmp://host/a%2Fb", "k%20", "rtmp://host:1935/a%2Fb", "", 0},
	{"a key as long as allowed", "", "rtmp://host/app", strings.Repeat("k", 512), "rtmp://host:1935/app", "", 0},
	{"a key that begins as the app does", "", "rtmp://host/live", "live2", "rtmp://host:1935/live", "", 0},
	{"the key in the URL", "", "rtmp://host/app/KEY", "", "rtmp://host:1935/app", "KEY", 0},
	{"the key in the URL with a query", "", "rtmp://host/app/KEY?t=a/b", "", "rtmp://host:1935/app", "KEY?t=a/b", 0},
	{"the key in the URL after an app's query", "", "rtmp://host/live2?backup=1/KEY", "", "rtmp://host:1935/live2?backup=1", "KEY", 0},
	{"kick's panel", "kick", "rtmps://fa7.global-contribute.live-video.net", "sk_1", "rtmps://fa7.global-contribute.live-video.net:443/app", "", 1},
	{"kick's panel with a slash", "kick", "rtmps://fa7.global-contribute.live-video.net:443/", "sk_1", "rtmps://fa7.global-contribute.live-video.net:443/app", "", 1},
	{"an unnamed platform's host", "", "rtmps://fa7.global-contribute.live-video.net", "sk_1", "rtmps://fa7.global-contribute.live-video.net:443/app", "", 1},
	{"twitch over TLS", "twitch", "rtmps://ingest.global-contribute.live-video.net:443/app", "live_1", "rtmps://ingest.global-contribute.live-video.net:443/app", "", 0},
	{"the backup without its query", "youtube", "rtmps://b.rtmps.youtube.com/live2", "k", "rtmps://b.rtmps.youtube.com:443/live2?backup=1", "", 1},
	{"an app unlike the platform's", "twitch", "rtmp://live.twitch.tv/live", "k", "rtmp://live.twitch.tv:1935/live", "", 1},
	{"a key that begins as the URL ends", "", "rtmp://host/live", "live/k", "rtmp://host:1935/live", "", 1},
	{"facebook's URL as its panel shows it", "facebook", "rtmps://live-api-s.facebook.com:443/rtmp/", "FB-1", "rtmps://live-api-s.facebook.com:443/rtmp", "", 0},
	{"kick with its app", "kick", "rtmps://fa7.global-contribute.live-video.net/app", "sk_1", "rtmps://fa7.global-contribute.live-video.net:443/app", "", 0},
}

func TestParse(t *testing.T) {
	for _, c := range goodCases {
		target, notes, err := push.Parse(c.platform, c.url, secret.New(c.key))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		wantKey := c.wantKey
		if wantKey == "" {
			wantKey = c.key
		}
		if target.TCURL() != c.tcURL || target.Key.Reveal() != wantKey || len(notes) != c.notes {
			t.Errorf("%s: got %s, key %q, notes %q", c.name, target.TCURL(), target.Key.Reveal(), notes)
		}
	}
}

var badCases = []struct{ name, platform, url, key, want string }{
	{"nothing", "", "", "k", "url: neither platform nor url is set (platform is one of youtube, twitch, facebook, kick, x, trovo, " +
		"instagram, tiktok, restream, ivs, mux, vimeo; or url: rtmps://host/app)"},
	{"an unknown platform", "twich", "", "k", `platform: "twich" is not known (did you mean twitch?)`},
	{"a platform unlike any", "s3cret", "", "k", "platform: not a platform that is known (known are youtube, twitch, facebook, kick, x, trovo, " +
		"instagram, tiktok, restream, ivs, mux, vimeo; for any other leave platform out and set url)"},
	{"a platform as long as a file", strings.Repeat("p", 1<<20), "", "k", "platform: not a platform that is known (known are youtube, twitch, facebook, kick, x, trovo, " +
		"instagram, tiktok, restream, ivs, mux, vimeo; for any other leave platform out and set url)"},
	{"platform and key exchanged", "live_s3cret", "", "twitch\n", "platform: platform and key are swapped (exchange them)"},
	{"no scheme", "", "live.twitch.tv/app", "k", "url: the URL has no scheme (begin it with rtmps:// or rtmp://)"},
	{"another scheme", "", "srt://host/app", "k", "url: the URL is neither rtmp:// nor rtmps:// (only RTMP and RTMPS can be pushed)"},
	{"userinfo", "", "rtmp://me:pass@host/app", "k", "url: the URL holds a user name or password (remove the part before @; RTMP has only the key)"},
	{"no host", "", "rtmp:///app", "k", "url: the URL has no host (write it as in rtmps://host/app)"},
	{"a placeholder", "kick", "rtmps://<id>.live-video.net/app", "k", "url: the host contains '<' (replace placeholders such as <id>; write non-ASCII names in punycode)"},
	{"a bare IPv6", "", "rtmp://2001:db8::1/app", "k", "url: the host has more than one colon (put an IPv6 address in brackets)"},
	{"a broken IPv6", "", "rtmp://[2001:db8/app", "k", "url: the address in brackets is not IPv6 (write it as in rtmp://[2001:db8::1]:1935/app)"},
	{"a zone", "", "rtmp://[fe80::1%eth0]/app", "k", "url: the address in brackets is not IPv6 (write it as in rtmp://[2001:db8::1]:1935/app)"},
	{"text after brackets", "", "rtmp://[::1]x/app", "k", "url: something stands between the address and the app (write it as in rtmp://[2001:db8::1]:1935/app)"},
	{"port 0", "", "rtmp://host:0/app", "k", "url: the port is not a number from 1 to 65535 (leave it out for the default)"},
	{"port 70000", "", "rtmp://host:70000/app", "k", "url: the port is not a number from 1 to 65535 (leave it out for the default)"},
	{"rtmp on 443", "", "rtmp://host:443/app", "k", "url: rtmp:// on port 443, where TLS is spoken (begin the URL with rtmps://)"},
	{"no app, a platform", "twitch", "rtmp://live.twitch.tv", "k", "url: the URL has no app (twitch's is rtmp://live.twitch.tv/app)"},
	{"no app, a platform's host", "", "rtmp://live.twitch.tv/", "k", "url: the URL has no app (twitch's is rtmp://live.twitch.tv/app)"},
	{"no app, a form", "x", "rtmps://de.pscp.tv", "k", "url: the URL has no app (it looks like rtmps://<region>.pscp.tv:443/x)"},
	{"no app, a custom host", "", "rtmp://host?x=1", "k", "url: the URL has no app (write it as in rtmp://host/app)"},
	{"a space in the app", "", "rtmp://host/my app", "k", "url: the app contains a space (paste the URL again)"},
	{"a line break in the URL", "", "rtmp://host/app\nx", "k", "url: the URL contains a line break or another invisible character (paste it again, on one line)"},
	{"a long app", "", "rtmp://host/" + strings.Repeat("a", 513), "k", "url: the app is 513 bytes long, at most 512 are allowed (keep the key out of the url)"},
	{"a long host", "", "rtmp://" + strings.Repeat("a", 254) + "/app", "k", "url: the host is 254 bytes long, at most 253 are allowed (paste the URL again)"},
	{"no own URL", "kick", "", "k", "url: kick has no fixed URL (set url to yours: rtmps://<id>.global-contribute.live-video.net:443/app)"},
	{"no key, a platform", "twitch", "", " \n", "key: the key is missing (set key, key_file or key_env to the stream key that twitch shows you)"},
	{"no key, and the app was added", "", "rtmps://fa7.global-contribute.live-video.net", "", "key: the key is missing (set key, key_file or key_env, or end the url with /KEY)"},
	{"no key, a URL", "", "rtmp://host/app", "", "key: the key is missing (set key, key_file or key_env, or end the url with /KEY)"},
	{"a line break in the key", "twitch", "", "s3cret\nrtmp_app=x", "key: the key contains a line break or another invisible character (paste the key again, on one line)"},
	{"a NUL in the key", "twitch", "", "s3cret\x00", "key: the key contains a line break or another invisible character (paste the key again, on one line)"},
	{"a broken key", "twitch", "", "s3cret\xff", "key: the key contains a line break or another invisible character (paste the key again, on one line)"},
	{"a long key", "twitch", "", strings.Repeat("k", 513), "key: the key is 513 bytes long, at most 512 are allowed (paste the key alone)"},
	{"a long key in the URL", "", "rtmp://host/app/" + strings.Repeat("k", 513), "", "key: the key is 513 bytes long, at most 512 are allowed (paste the key alone)"},
	{"a URL as the key", "twitch", "", "rtmp://live.twitch.tv/app/s3cret", "key: the key is a URL (put the URL under url, and only the key under key)"},
	{"another key in the URL", "twitch", "rtmp://live.twitch.tv/app/s3cret", "k", "url: the URL goes on behind /app, with what looks like the key (end the url with /app; the key alone goes under key, key_file or key_env)"},
	{"the key in a platform's URL", "twitch", "rtmp://live.twitch.tv/app/s3cret", "", "url: the URL goes on behind /app, with what looks like the key (end the url with /app; the key alone goes under key, key_file or key_env)"},
	{"the key in the URL of an unnamed platform", "", "rtmps://x.pscp.tv/x/s3cret", "k", "url: the URL goes on behind /x, with what looks like the key (end the url with /x; the key alone goes under key, key_file or key_env)"},
	{"swapped", "", "s3cret", "rtmp://host/app", "url: url and key are swapped (exchange them)"},
	{"another platform's URL", "youtube", "rtmp://live.twitch.tv/app", "k", "url: this is a URL of twitch, not of youtube (set platform to what the URL is of, or set the URL that youtube shows you)"},
	{"a URL for browsers", "", "https://live.twitch.tv/app", "k", "url: the URL is neither rtmp:// nor rtmps:// (only RTMP and RTMPS can be pushed)"},
	{"the scheme twice", "", "rtmps://rtmp://host/app", "k", "url: the URL begins twice (write rtmps:// or rtmp:// once)"},
	{"a placeholder in the app", "twitch", "rtmp://live.twitch.tv/app/{stream_key}", "k", "url: the app contains a placeholder (end the url before it; the key goes under key, key_file or key_env)"},
	{"facebook without /rtmp", "facebook", "rtmps://live-api-s.facebook.com:443/", "k", "url: the URL has no app (facebook's is rtmps://live-api-s.facebook.com:443/rtmp)"},
	{"an unnamed host of X without its app", "", "rtmps://de.pscp.tv:443", "k", "url: the URL has no app (x's looks like rtmps://<region>.pscp.tv:443/x)"},
	{"the backup query behind the key", "youtube", "", "s3cret?backup=1", "key: the key ends with ?backup=1, which belongs behind the app " +
		"(set backup: true; or set url: rtmps://b.rtmps.youtube.com:443/live2?backup=1 and the key alone)"},
	{"the backup query behind the key in the URL", "", "rtmps://b.rtmps.youtube.com/live2/s3cret?backup=1", "", "key: the key ends with ?backup=1, which belongs behind the app " +
		"(set backup: true; or set url: rtmps://b.rtmps.youtube.com:443/live2?backup=1 and the key alone)"},
	{"the end of the URL in the key", "twitch", "", "app/s3cret", "key: the key begins with the end of the URL (the key is what follows /app/)"},
	{"a slash before the key", "twitch", "", "/s3cret", "key: the key begins with a slash (remove it)"},
	{"a URL without a scheme as the key", "twitch", "", "live.twitch.tv/app/s3cret", "key: the key is a URL (put the URL under url, and only the key under key)"},
	{"a web page as the key", "twitch", "", "HTTPS://dashboard.twitch.tv/s3cret", "key: the key is a URL (put the URL under url, and only the key under key)"},
	{"dots as the key", "twitch", "", "••••••••", "key: the key is hidden behind dots (let the platform's page show it, and copy it then)"},
	{"a placeholder as the key", "twitch", "", "<your key>", "key: the key is a placeholder (set the stream key that the platform shows you)"},
	{"the key twice", "twitch", "rtmp://live.twitch.tv/app/s3cret", "s3cret", "url: the key is a part of the app as well (write it once: the url ends with the app, as in rtmp://host/live)"},
	{"the key for an app", "", "rtmp://host/s3cret", "s3cret", "url: the key is a part of the app as well (write it once: the url ends with the app, as in rtmp://host/live)"},
	{"the key before a query", "", "rtmp://host/live/s3cret?x=1", "s3cret", "url: the key is a part of the app as well (write it once: the url ends with the app, as in rtmp://host/live)"},
	{"the key before parameters", "", "rtmp://host/live/s3cret;x=1", "s3cret", "url: the key is a part of the app as well (write it once: the url ends with the app, as in rtmp://host/live)"},
	{"the key and its own query", "", "rtmp://host/live/s3cret", "s3cret?bw=1", "url: the key is a part of the app as well (write it once: the url ends with the app, as in rtmp://host/live)"},
	{"the key in the middle", "", "rtmp://host/s3cret/live", "s3cret", "url: the key is a part of the app as well (write it once: the url ends with the app, as in rtmp://host/live)"},
	{"the key twice in the URL", "", "rtmp://host/s3cret/s3cret", "", "url: the key is a part of the app as well (write it once: the url ends with the app, as in rtmp://host/live)"},
	{"a key of two segments", "", "rtmp://host/live/a/s3cret", "a/s3cret", "url: the key is a part of the app as well (write it once: the url ends with the app, as in rtmp://host/live)"},
}

func TestParseExplainsMistakes(t *testing.T) {
	for _, c := range badCases {
		_, _, err := push.Parse(c.platform, c.url, secret.New(c.key))
		var mistake *push.Error
		if !errors.As(err, &mistake) {
			t.Errorf("%s: got %v, want an *Error", c.name, err)
			continue
		}
		if err.Error() != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, err, c.want)
		}
		if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "pass@") {
			t.Errorf("%s: the error shows a secret: %v", c.name, err)
		}
	}
}

func TestTargetHidesItsSecrets(t *testing.T) {
	target, _, err := push.Parse("", "rtmps://host/app?token=t0ken", secret.New("s3cret"))
	if err != nil {
		t.Fatal(err)
	}
	for _, sign := range []string{"?", ";", "#"} {
		signed := target
		signed.App = "app" + sign + "token=t0ken?x;y#z"
		if got := signed.String(); got != "rtmps://host:443/app"+sign+"***" {
			t.Errorf("String: %s", got)
		}
	}
	if got := fmt.Sprintf("%v %+v %s", target, push.Recipe{Target: target}, target); strings.Contains(got, "s3cret") {
		t.Errorf("printed: %s", got)
	}
	if target.Address() != "host:443" || !target.TLS() {
		t.Errorf("address %s, TLS %v", target.Address(), target.TLS())
	}
	line := secret.NewRedactor(target.Secrets()...).Redact("open app?token=t0ken/s3cret")
	if line != "open app?***/***" {
		t.Errorf("redacted: %s", line)
	}
}

// A platform that refuses a token names it alone: "token T has expired".
func TestTargetKnowsEverySecretInItsQueries(t *testing.T) {
	for _, c := range []struct{ name, url, key string }{
		{"of the app", "rtmp://host/app?token=topS3cret&x=1", "key"},
		{"of the app, the last", "rtmp://host/app?x=1&token=topS3cret", "key"},
		{"of the app, without a name", "rtmp://host/app?topS3cret", "key"},
		{"parameters of the app", "rtmp://host/app;token=topS3cret", "key"},
		{"a fragment of the app", "rtmp://host/app#topS3cret", "key"},
		{"of the key", "rtmp://host/app", "key?token=topS3cret&x=1"},
		{"in the URL", "rtmp://host/app/key?x=1&token=topS3cret", ""},
		{"the key without its query", "rtmp://host/app", "topS3cret?token=t"},
		{"the key without its parameters", "rtmp://host/app", "topS3cret;token=t"},
	} {
		target, _, err := push.Parse("", c.url, secret.New(c.key))
		if err != nil {
			t.Fatal(err)
		}
		const line = "token topS3cret has expired"
		if got := secret.NewRedactor(target.Secrets()...).Redact(line); got != "token *** has expired" {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

// What everybody knows would only ruin the log.
func TestTargetHasNoSecretInAPlatformsOwnQuery(t *testing.T) {
	target, _, err := push.Parse("youtube", "rtmps://b.rtmps.youtube.com/live2", secret.New("s3cret-key"))
	if err != nil {
		t.Fatal(err)
	}
	const line = "open live2?backup=1, the backup"
	if got := secret.NewRedactor(target.Secrets()...).Redact(line); got != line {
		t.Errorf("redacted: %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range goodCases {
		f.Add(c.platform, c.url, c.key)
	}
	for _, c := range badCases {
		f.Add(c.platform, c.url, c.key)
	}
	f.Fuzz(func(t *testing.T, platform, url, key string) {
		target, _, err := push.Parse(platform, url, secret.New(key))
		if err != nil {
			return
		}
		// What is accepted must survive being written down and read again, and must fit a line of options.
		again, _, err := push.Parse("", target.TCURL(), target.Key)
		if err != nil {
			t.Fatalf("%q was accepted, but not as %q: %v", url, target.TCURL(), err)
		}
		if again.TCURL() != target.TCURL() || !again.Key.Equal(target.Key) {
			t.Fatalf("%q became %q, then %q", url, target.TCURL(), again.TCURL())
		}
		if strings.ContainsAny(target.TCURL()+target.Key.Reveal(), "\r\n\x00") || len(target.TCURL()) > 900 {
			t.Fatalf("%q does not fit a line of options", target.TCURL())
		}
	})
}
