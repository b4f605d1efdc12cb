package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/config"
)

// People paste a key wherever there is room: no error quotes a word that may be one.
func TestNoMistakeQuotesAPastedKey(t *testing.T) {
	for _, key := range []string{theKey, "abcd-efgh-ijkl-mnop", "abcdefghijkl"} {
		for name, c := range map[string]struct{ content, want string }{
			"platform and key exchanged": {"platform: KEY\nkey: twitch\n", "twitch.yml:1: platform: platform and key are swapped (exchange them)"},
			"platform":                   {"platform: KEY\nkey: k\n", "twitch.yml:1: platform: not a platform that is known (known are "},
			"streams":                    {good + "streams: [KEY]\n", `twitch.yml:3: streams: no stream is named "…" (known are main, field)`},
			"rendition":                  {good + "rendition: KEY\n", `twitch.yml:3: rendition: no rendition is named "…" (known are 720p, 480p)`},
			"a term of the contract":     {good + "contract: {KEY: 1}\n", "twitch.yml:3: contract: unknown setting (known are "},
			"a weak term":                {good + "contract: {weak: [KEY]}\n", "twitch.yml:3: contract.weak: unknown setting (known are "},
			"a contract":                 {good + "contract: !!float KEY\n", "twitch.yml:3: contract: "},
			"a setting":                  {good + "KEY: 1\n", "twitch.yml:3: …: unknown setting (known are "},
			"a setting, twice":           {good + "KEY: 1\nKEY: 1\n", "twitch.yml:3: …: unknown setting (known are "},
			"a setting of audio":         {good + "audio: {KEY: 1}\n", "twitch.yml:3: audio.…: unknown setting (known are "},
			"fit":                        {good + "fit: KEY\n", "twitch.yml:3: fit: not one of the choices (write "},
		} {
			_, got := decode(t, strings.ReplaceAll(c.content, "KEY", key))
			if !strings.HasPrefix(got, c.want) || strings.Contains(got, key) {
				t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
			}
		}
	}
}

func TestMistakesQuoteWhatIsNearAKnownWord(t *testing.T) {
	for content, want := range map[string]string{
		"platform: youtub\nkey: x\n":           `twitch.yml:1: platform: "youtub" is not known (did you mean youtube?)`,
		good + "streams: [mian]\n":             `twitch.yml:3: streams: no stream is named "mian" (did you mean main?)`,
		good + "contract: {max_gob: 4s}\n":     `twitch.yml:3: contract: unknown setting "max_gob" (did you mean max_gop?)`,
		good + "contract: {weak: [max_gob]}\n": `twitch.yml:3: contract.weak: unknown setting "max_gob" (did you mean max_gop?)`,
		good + "enabeld: true\n":               "twitch.yml:3: enabeld: unknown setting (did you mean enabled?)",
		good + "key: x\nkey: y\n":              "twitch.yml:3: key: given twice, first on line 2 (keep one of the two)",
	} {
		if _, got := decode(t, content); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

func TestMistakesStayShort(t *testing.T) {
	long := strings.Repeat("p", 900_000)
	for name, content := range map[string]string{
		"platform": "platform: " + long + "\nkey: x\n",
		"stream":   good + "streams: [" + long + "]\n",
		"setting":  good + "? " + long + "\n: 1\n",
		"contract": good + "contract: {? " + long + " : 1}\n",
		"url":      "url: rtmp://" + long + "/x\nkey: x\n",
	} {
		if _, got := decode(t, content); got == "" || len(got) > 600 {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
	mistake := &config.Error{File: "x.yml", Problem: "é" + strings.Repeat("ü", 1000)}
	if got := mistake.Error(); len(got) > 520 || !strings.HasSuffix(got, "ü…") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

// Terminals obey control characters, in the name of a file too.
func TestMistakesShowNoControlCharacters(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a\x1b[31mred.yml"), good)
	write(t, filepath.Join(dir, "b.yml"), good+`contract: {video_codecs: ["\e[2J"]}`)
	want := `
a\x1b[31mred kept=false a\x1b[31mred.yml: the name of the file cannot name a destination (use 1 to 64 of the characters A-Z a-z 0-9 _ - before .yml)
b kept=false b.yml:3: contract.video_codecs: not the name of a codec (write it as in H.264 or AAC)`
	if got := summary(config.LoadDir(dir, known), dir); got != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
	mistake := &config.Error{File: "a\u202eb", Field: "\x07", Problem: "\r\n", Hint: "é\xff"}
	if got, want := mistake.Error(), `a\u202eb: \a: \r\n (é`+"\ufffd)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMistakesExplainTheTrapsOfYAML(t *testing.T) {
	for content, want := range map[string]string{
		"platform: twitch\nkey:" + theKey + "\n": "(put a space behind the colon)",
		"key:" + theKey + "\nplatform: twitch\n": "(put a space behind each colon; quote a value that contains both)",
		"platform: twitch\nkey: !KEY\n":          "twitch.yml:2: key: a YAML tag (quote a value that begins with !)",
		"platform: twitch\nkey: !KEY x\n":        "twitch.yml:2: key: a YAML tag (quote a value that begins with !)",
		"platform: twitch\nkey: !K!EY\n":         "(quote a value that begins with !)",
		"platform: twitch\nkey: !%zz\n":          "(quote a value that begins with !)",
	} {
		if _, got := decode(t, content); !strings.HasSuffix(got, want) || strings.Contains(got, theKey) {
			t.Errorf("%q:\n got %s\nwant %s", content, got, want)
		}
	}
}
