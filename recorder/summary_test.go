package recorder_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/restreamd/restreamd/recorder"
)

func TestSummarize(t *testing.T) {
	for _, name := range []string{"summary", "quiet", "crashed", "takeover"} {
		t.Run(name, func(t *testing.T) {
			entries, err := os.Open(filepath.Join("testdata", name+".jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			defer entries.Close()
			var got strings.Builder
			if err := recorder.Summarize(entries, &got); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".md.golden")
			if *update {
				if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(read(t, file)); got.String() != want {
				t.Errorf("the summary changed; run with -update if that is meant\n got %s\nwant %s", &got, want)
			}
		})
	}
}

func TestSummarizeNothing(t *testing.T) {
	var got strings.Builder
	if err := recorder.Summarize(strings.NewReader("\n{}\nnonsense\n{\"what\":"), &got); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.String(), "empty") {
		t.Errorf("got %q", &got)
	}
}

func TestSummarizeTellsOfErrors(t *testing.T) {
	broken := errors.New("broken disk")
	if err := recorder.Summarize(iotest.ErrReader(broken), &strings.Builder{}); !errors.Is(err, broken) {
		t.Errorf("reading: %v", err)
	}
	if err := recorder.Summarize(strings.NewReader(`{"what":"began"}`), brokenWriter{broken}); !errors.Is(err, broken) {
		t.Errorf("writing: %v", err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

// Whatever a black box holds, there is a summary, and nobody's words become anything but text.
func FuzzSummarize(f *testing.F) {
	for _, name := range []string{"summary", "quiet", "crashed", "takeover"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, entries string) {
		var got strings.Builder
		if err := recorder.Summarize(strings.NewReader(entries), &got); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(got.String(), "<`") {
			t.Errorf("markup in %q", &got)
		}
	})
}
