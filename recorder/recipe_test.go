package recorder_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/relaytest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestRecordArguments(t *testing.T) {
	job, err := recorder.Recipe{Dir: "/var/lib/restreamd/recordings"}.Job(ffmpeg.Attempt{Stream: "main", Session: start})
	if err != nil {
		t.Fatal(err)
	}
	// A recording must finish its file when the relay dies.
	if !job.RollOnHeader || job.DieWithParent || len(job.Watch) != 1 || len(job.Dirs) != 1 {
		t.Errorf("job: %+v", job)
	}
	golden(t, "record.golden", job)
}

func TestFinishArguments(t *testing.T) {
	const raw, list, to, told = "/rec/main/a.mp4", "/rec/main/a.mp4.list.tmp", "/rec/main/a.mp4.tmp", "/rec/main/a.mp4.chapters.tmp"
	for _, c := range []recorder.Container{recorder.MP4, recorder.MKV, recorder.TS} {
		job := c.FinishJob(raw, to, told)
		if !job.DieWithParent {
			t.Error("a finisher's child outlives it")
		}
		golden(t, "finish-"+string(c)+".golden", job)
		golden(t, "readback-"+string(c)+".golden", c.ReadBackJob(to))
	}
	golden(t, "join.golden", recorder.MP4.JoinJob(list, to, told))
}

func golden(t *testing.T, file string, job ffmpeg.Job) {
	t.Helper()
	args, err := job.Args()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(args, "\n") + "\n"
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(read(t, file)); got != want {
		t.Errorf("the arguments changed; run with -update if that is meant\n got %s\nwant %s", got, want)
	}
}

func TestRecordingIsWhole(t *testing.T) {
	media := relaytest.Media(t)
	file := record(t, t.TempDir(), media)
	if got, want := relaytest.VideoHashes(t, file), relaytest.VideoHashes(t, media); !slices.Equal(got, want) {
		t.Errorf("%d video packets, want the same %d", len(got), len(want))
	}
	if got, want := relaytest.AudioHashes(t, file), relaytest.AudioHashes(t, media); !slices.Equal(got, want) {
		t.Errorf("%d audio packets, want the same %d", len(got), len(want))
	}
}

// Whatever kills a recording child costs the last fragment, no more.
func TestRecordingSurvivesAKill(t *testing.T) {
	media := relaytest.Media(t)
	dir := t.TempDir()
	file := recordAndKill(t, dir, media)
	got, want := relaytest.VideoHashes(t, file), relaytest.VideoHashes(t, media)
	if len(got) < len(want)/2-30 || len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
		t.Fatalf("%d of %d video packets play, want all up to the last fragment", len(got), len(want))
	}

	b := newBench(dir, runFFmpeg)
	if err := b.All(); err != nil {
		t.Fatal(err)
	}
	if all := b.serve(t); len(all) != 1 || all[0].err != nil {
		t.Errorf("reports: %v", all)
	}
	if finished := relaytest.VideoHashes(t, file); !slices.Equal(finished, got) {
		t.Errorf("finishing made %d packets of %d", len(finished), len(got))
	}
}
