package secret_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/secret"
)

func TestRedact(t *testing.T) {
	const key = "ab/c+d?e=1&f g~"
	raw := []byte(key)
	r := secret.NewRedactor(secret.New(key), secret.New("longer-key"), secret.New("longer-key-still"), secret.New("abc"))

	for _, c := range []struct{ name, in, want string }{
		{"none", "Output #0, flv, to 'rtmp://127.0.0.1:1'", "Output #0, flv, to 'rtmp://127.0.0.1:1'"},
		{"plain", "open " + key + "!", "open ***!"},
		{"twice", key + " " + key, "*** ***"},
		{"query escape", url.QueryEscape(key), "***"},
		{"path escape", url.PathEscape(key), "***"},
		{"base64", "<" + base64.StdEncoding.EncodeToString(raw) + ">", "<***>"},
		{"base64 url", "<" + base64.URLEncoding.EncodeToString(raw) + ">", "<***>"},
		{"base64 raw", "<" + base64.RawStdEncoding.EncodeToString(raw) + ">", "<***>"},
		{"base64 raw url", "<" + base64.RawURLEncoding.EncodeToString(raw) + ">", "<***>"},
		{"without its query", "publish ab/c+d failed", "publish *** failed"},
		{"the longer of two", "longer-key-still", "***"},
		{"too short", "abc", "abc"},
	} {
		if got := r.Redact(c.in); got != c.want {
			t.Errorf("%s: %q became %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

// ffmpeg keeps some 255 bytes of what a platform answers: a long key is cut, and no longer the key.
func TestRedactMasksTheBeginningOfASecretAtTheEnd(t *testing.T) {
	key := "live_" + strings.Repeat("aB3.", 100)
	r := secret.NewRedactor(secret.New("live_other"), secret.New(key), secret.New("short"))

	for _, c := range []struct{ name, in, want string }{
		{"cut", "denied for stream " + key[:200], "denied for stream ***"},
		{"cut short", "denied for stream " + key[:6], "denied for stream ***"},
		{"too short to matter", "denied for stream " + key[:5], "denied for stream live_"},
		{"quoted", `(denied for "` + key[:200] + `…").` + "\n", `(denied for "***…").` + "\n"},
		{"cut at a dot", "denied for " + key[:9] + "…", "denied for ***.…"},
		{"begun twice", "denied for live_aB3.live_aB3.a", "denied for live_aB3.***"},
		{"whole, then cut", key + " is not " + key[:100], "*** is not ***"},
		{"of the other", "denied for live_oth", "denied for ***"},
		{"cut in base64", base64.StdEncoding.EncodeToString([]byte(key))[:50], "***"},
		{"in mid-line", key[:100] + " is unknown", key[:100] + " is unknown"},
		{"only closing", `..."`, `..."`},
		{"nothing", "", ""},
	} {
		if got := r.Redact(c.in); got != c.want {
			t.Errorf("%s: %q became %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestRedactWithNothingToHide(t *testing.T) {
	var none *secret.Redactor
	if got := none.Redact("line"); got != "line" {
		t.Errorf("nil redactor made %q", got)
	}
	if got := secret.NewRedactor(secret.String{}, secret.New("abc")).Redact("abc"); got != "abc" {
		t.Errorf("short secrets made %q", got)
	}
}

func TestRedactLeavesCleanLinesUnallocated(t *testing.T) {
	r := secret.NewRedactor(secret.New("live_8Kq-top.secret"))
	line := "frame=  250 fps= 25 q=-1.0 size=    5120kB time=00:00:10.00 bitrate=4194.3kbits/s speed=1x"
	if n := testing.AllocsPerRun(100, func() { _ = r.Redact(line) }); n != 0 {
		t.Errorf("a clean line costs %v allocations", n)
	}
}
