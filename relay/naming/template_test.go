package naming_test

import (
	"errors"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/restreamd/restreamd/relay/naming"
)

var session = time.Date(2026, 11, 22, 19, 30, 5, 0, time.FixedZone("here", 3600))

func TestNames(t *testing.T) {
	for text, want := range map[string][2]string{ // of the first and the third file
		"":             {"main/2026-11-22T18-30-05Z", "main/2026-11-22T18-30-05Z.part3"},
		naming.Default: {"main/2026-11-22T18-30-05Z", "main/2026-11-22T18-30-05Z.part3"},
		"{start:2006/January/02} {stream} {part}": {"2026/November/22 main 1", "2026/November/22 main 3"},
		"show {start}":                   {"show 2026-11-22T18-30-05Z", "show 2026-11-22T18-30-05Z.part3"},
		"{stream}/{stream}_{part}":       {"main/main_1", "main/main_3"},
		"Übertragung [1] {start:150405}": {"Übertragung [1] 183005", "Übertragung [1] 183005.part3"},
	} {
		var name naming.Template
		if text != "" {
			var err error
			if name, err = naming.Parse(text); err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			if name.String() != text {
				t.Errorf("%q became %q", text, name)
			}
		}
		for i, number := range []int{1, 3} {
			if got := name.Name("main", session, number); got != want[i] {
				t.Errorf("%q: %q, want %q", text, got, want[i])
			}
		}
	}
	if got := (naming.Template{}).String(); got != naming.Default {
		t.Errorf("the default is written %q", got)
	}
}

func TestHostileTemplates(t *testing.T) {
	for text, word := range map[string]string{
		"":                                       "empty",
		"/etc/cron.d/{start}":                    "absolute",
		"../{stream}":                            "leads out",
		"{stream}/../../{start}":                 "leads out",
		"{stream}/..":                            "leads out",
		"{start:../2006}":                        "leads out",
		"{start:/2006}":                          "absolute",
		"..":                                     "leads out",
		".":                                      "hidden",
		"./{start}":                              "hidden",
		".ssh/{start}":                           "hidden",
		"{stream}//{start}":                      "without a name",
		"{stream}/":                              "without a name",
		"{stream}/{start}\x00":                   "cannot be seen",
		"{stream}\n{start}":                      "cannot be seen",
		"{stream}\u202e4pm.{start}":              "cannot be seen",
		"{stream}\x1b[2J{start}":                 "cannot be seen",
		"\xff{start}":                            "cannot be seen",
		`{stream}\{start}`:                       "refuse",
		"{start:15:04:05}":                       "refuse",
		"C:/{start}":                             "refuse",
		"what? {start}":                          "refuse",
		"{stream}/ {start}":                      "space",
		"{stream}/{start} /x":                    "space",
		"{stream}/{start}.mp4":                   "ends in .mp4",
		"{stream}/{start}.MKV":                   "ends in .mkv",
		"{start}.json":                           "ends in .json",
		"{stream":                                "without its }",
		"stream}":                                "without its {",
		"{{stream}}":                             "without its }",
		"{key}":                                  "nothing is known",
		"{stream:x}":                             "nothing is known",
		"{}":                                     "nothing is known",
		"{START}":                                "nothing is known",
		"{start:}":                               "no time",
		"{start:hello}":                          "no time",
		"{stream}/2026-11-22T18-00-00Z":          "looks like another",
		"{stream}/{start:2006-01-02}T00-00-00Z":  "looks like another",
		"{stream}/{start}.part{part}":            "looks like another",
		"{stream}/{start}.part7":                 "looks like another",
		strings.Repeat("x", 250):                 "too long",
		strings.Repeat("x", 150) + "{stream}":    "too long",
		strings.Repeat("xyz/", 300) + "{stream}": "too long",
	} {
		_, err := naming.Parse(text)
		var wrong *naming.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), word) || wrong.Hint == "" {
			t.Errorf("%q: %v, want %q and a hint", text, err, word)
		}
	}
}

// Whatever is taken for a template makes names that stay where they belong.
func FuzzTemplate(f *testing.F) {
	f.Add("{stream}/{start:2006-01-02}/{part}")
	f.Add("{start:../2006}")
	f.Add("a/./b/{start:Jan _2}")
	f.Fuzz(func(t *testing.T, text string) {
		name, err := naming.Parse(text)
		if err != nil {
			return
		}
		for _, number := range []int{1, 2, 3000} {
			got := name.Name("main", session, number)
			if !filepath.IsLocal(got) || path.Clean(got) != got || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) || len(path.Base(got)) > 255-30 {
				t.Errorf("%q makes %q", text, got)
			}
		}
	})
}
