package main_test

import (
	"fmt"
	"maps"
	"testing"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// Each attempt is one line of the log and one count, by its code, from where and by which key's name; so is each end.
func TestAttemptsAreCountedAndLogged(t *testing.T) {
	t.Parallel()
	r := rt.StartRelay(t, rt.StreamConfig(quiet),
		rt.StreamKey("{name: old, key: old-4711, expires: 2020-01-01T00:00:00Z}"),
		rt.StreamKey("{name: elsewhere, key: elsewhere-4711, allow: [192.0.2.0/24]}"))
	for range 2 {
		opens(t, r, r.PublishURL())
	}
	attempts := map[string]int64{"accepted": 2}
	for code, path := range map[string]string{
		"key_unknown": "live/guess", "app": "vod/guess", "key_expired": "live/old-4711", "address": "live/elsewhere-4711",
		"key_missing": "live", "key_malformed": "live/a%20b",
	} {
		if _, err := rt.Dial(t, "rtmp://"+r.RTMP+"/"+path); err == nil {
			t.Errorf("%s: let in", path)
		}
		attempts[code]++
	}
	ends := map[string]int64{"goodbye": 2}
	rt.Eventually(t, soon, "everything to be counted", func() bool {
		s := snapshot(t, r).Ingest
		return maps.Equal(s.Attempts, attempts) && maps.Equal(s.Ends, ends)
	})
	metrics := string(get(t, r, "/metrics").body)
	for code, n := range attempts {
		if want := fmt.Sprintf("restreamd_ingest_attempts_total{result=%q} %d\n", code, n); !contains(metrics, want) {
			t.Errorf("/metrics lacks %q", want)
		}
		if code == "accepted" {
			continue
		}
		if lines := logLines(r, fmt.Sprintf(`"code":%q`, code), `"remote":"127.0.0.1:`, `"reason":"`); len(lines) != 1 {
			t.Errorf("%d log lines of %s, want 1: %q", len(lines), code, lines)
		}
	}
	for code, name := range map[string]string{"key_expired": "old", "address": "elsewhere"} {
		if lines := logLines(r, fmt.Sprintf(`"code":%q`, code), fmt.Sprintf(`"key":%q`, name)); len(lines) != 1 {
			t.Errorf("the line of %s does not name the key: %q", code, lines)
		}
	}
	if want := "restreamd_ingest_ends_total{reason=\"goodbye\"} 2\n"; !contains(metrics, want) {
		t.Errorf("/metrics lacks %q", want)
	}
	for _, words := range [][]string{
		{"publisher accepted", `"remote":"127.0.0.1:`, `"key":"studio"`},
		{"publisher gone", `"remote":"127.0.0.1:`, `"key":"studio"`, `"code":"goodbye"`, `"lasted":`, `"bytes":`, `"average_bitrate":`},
	} {
		if lines := logLines(r, words...); len(lines) != 2 {
			t.Errorf("%d log lines with %q, want 2", len(lines), words)
		}
	}
}
