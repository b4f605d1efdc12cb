package config_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/config"
)

// changes describes what config.LoadDir(dir) would change, a line each.
func changes(i config.Imprint, dir string) string {
	var lines []string
	for _, c := range i.Changes(config.LoadDir(dir, known)) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintln(c.Kind, c.Name, strings.Join(c.Fields, ","), messages(c.Err, dir))))
	}
	return strings.Join(lines, "\n")
}

var hint = regexp.MustCompile(` \(known are .*\)`)

// remember takes an imprint of dir to disk and back, as the relay and check do.
func remember(t *testing.T, dir string) config.Imprint {
	t.Helper()
	var i config.Imprint
	data, err := json.Marshal(config.NewImprint(config.LoadDir(dir, known)))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &i); err != nil {
		t.Fatal(err)
	}
	return i
}

func TestImprintTellsWhatChanges(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c", "d"} {
		write(t, filepath.Join(dir, name+".yml"), good)
	}
	before := remember(t, dir)
	for name, digests := range before.Destinations {
		for setting, digest := range digests {
			if len(digest) != sha256.Size {
				t.Errorf("%s, %s: %q is no digest", name, setting, digest)
			}
		}
	}
	if again := remember(t, dir); bytes.Equal(again.Destinations["a"]["key"], before.Destinations["a"]["key"]) {
		t.Error("the digests are not salted")
	}
	if got, want := changes(before, dir), "kept a\nkept b\nkept c\nkept d"; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if got, want := changes(config.Imprint{}, dir), "added a\nadded b\nadded c\nadded d"; got != want {
		t.Errorf("without an imprint:\n got %s\nwant %s", got, want)
	}

	write(t, filepath.Join(dir, "a.yml"), "platform: twitch\nkey: other\nfit: auto\n")
	write(t, filepath.Join(dir, "b.yml"), good+"nosuch: 1\n")
	write(t, filepath.Join(dir, "c.yml"), "# the same in other words\n"+good+"enabled: true\naudio: {track: 1}\n")
	write(t, filepath.Join(dir, "e.yml"), good)
	if err := os.Remove(filepath.Join(dir, "d.yml")); err != nil {
		t.Fatal(err)
	}
	want := "changed a key,fit\nrefused b  b.yml:3: …: unknown setting\nkept c\nremoved d\nadded e"
	if got := hint.ReplaceAllString(changes(before, dir), ""); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}

	// A folder that cannot be read ends nothing.
	none := filepath.Join(dir, "none")
	if got, want := changes(before, none), "kept a\nkept b\nkept c\nkept d"; !strings.HasPrefix(got, "refused ") || !strings.HasSuffix(got, want) {
		t.Errorf("\n got %s\nwant refused …, then %s", got, want)
	}
}

func TestImprintNoticesEverySetting(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "a.yml"), ownServer)
	before := remember(t, dir)
	for _, c := range []struct{ content, fields string }{
		{"url: rtmps://other/app\nkey: " + theKey + "\n", "url"},
		{"url: rtmps://host/app\nkey: other\n", "key"},
		{"platform: kick\n" + ownServer, "platform,contract"},
		{ownServer + "contract: {gop: 3s}\n", "contract"},
		{ownServer + "streams: [main]\n", "streams"},
		{ownServer + "enabled: false\n", "enabled"},
		{ownServer + "rendition: 720p\n", "rendition"},
		{ownServer + "fit: strict\n", "fit"},
		{ownServer + "max_bitrate: 3Mbps\n", "max_bitrate"},
		{ownServer + "audio: {silence_if_missing: true, track: 2}\n", "audio.silence_if_missing,audio.track"},
		{ownServer + "schedule: {from: 2026-12-01T18:00:00Z, to: 2026-12-01T19:00:00Z}\n", "schedule.from,schedule.to"},
		{ownServer + "delay: 5s\n", "delay"},
		{ownServer + "insecure: true\n", "insecure"},
		{ownServer + "ca_file: " + write(t, filepath.Join(dir, "ca.pem"), certificate(t)) + "\n", "ca_file"},
		{"platform: youtube\nkey: " + theKey + "\nbackup: true\n", "platform,url,contract,backup"},
	} {
		write(t, file, c.content)
		if got, want := changes(before, dir), "changed a "+c.fields; got != want {
			t.Errorf("%q: got %s, want %s", c.content, got, want)
		}
	}
}
