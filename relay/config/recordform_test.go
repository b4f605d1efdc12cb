package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/naming"
)

func TestRecordForm(t *testing.T) {
	load := func(record string) (config.RecordForm, error) {
		file := filepath.Join(t.TempDir(), "restreamd.yml")
		text := "streams:\n  main:\n    keys: [{key: secret-4711}]\n    record: " + record + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file)
		if err != nil {
			return config.RecordForm{}, err
		}
		return c.Streams[0].Record.RecordForm, nil
	}
	name, err := naming.Parse("shows/{stream} {start:2006}")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]config.RecordForm{
		"{}":                         {Container: "mp4"},
		"{container: ts}":            {Container: "ts"},
		"{segment: 0}":               {Container: "mp4"},
		"{segment: 1h}":              {Container: "mp4", Segment: time.Hour},
		"{name: '{stream}/{start}'}": {Container: "mp4", Name: must(naming.Parse("{stream}/{start}"))},
		"{container: mkv, segment: 30m, name: 'shows/{stream} {start:2006}'}": {Container: "mkv", Segment: 30 * time.Minute, Name: name},
	} {
		if got, err := load(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, words := range map[string]string{
		"{container: mov}":                "record.container: not one of",
		"{segment: 1s}":                   "record.segment: not a duration",
		"{segment: 48h}":                  "record.segment: not a duration",
		"{segment: [1h]}":                 "record.segment",
		"{name: '../{start}'}":            "record.name: it leads out",
		"{name: '{stream}/{key}'}":        "record.name: nothing is known",
		"{name: ''}":                      "record.name: empty",
		"{name: 'secret-4711/{start}'}":   "record.name: a stream key",
		"{name: '/tmp/{start}'}":          "record.name: an absolute path",
		`{name: "{stream}\u202e{start}"}`: "record.name: a character",
		"{nam: x, container: mp4}":        "name",
	} {
		_, err := load(text)
		if err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "restreamd.yml:4: ") || strings.Contains(err.Error(), "secret-4711") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func must(name naming.Template, err error) naming.Template {
	if err != nil {
		panic(err)
	}
	return name
}
