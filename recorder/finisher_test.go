package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
	"github.com/restreamd/restreamd/relay/relaytest"
)

func TestFinish(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[rec]*") // what means something to globs is a name like another
	media := relaytest.Media(t)
	file := record(t, dir, media)
	b := newBench(dir, runFFmpeg)
	b.Session("main", start)
	if all := b.serve(t); len(all) != 1 || all[0] != (result{file, nil}) {
		t.Fatalf("reports: %v", all)
	}
	if got := names(t, filepath.Dir(file)); !slices.Equal(got, []string{startName + ".mp4"}) {
		t.Errorf("files: %v", got)
	}
	if fragmented, err := recorder.IsFragmented(file); err != nil || fragmented {
		t.Errorf("still fragmented: %v, %v", fragmented, err)
	}
	finished := read(t, file)
	if moov, mdat := bytes.Index(finished, []byte("moov")), bytes.Index(finished, []byte("mdat")); moov < 0 || mdat < moov {
		t.Errorf("the index is at %d, the media at %d", moov, mdat)
	}
	if got, want := relaytest.VideoHashes(t, file), relaytest.VideoHashes(t, media); !slices.Equal(got, want) {
		t.Errorf("%d video packets, want the same %d", len(got), len(want))
	}
	if got, want := relaytest.AudioHashes(t, file), relaytest.AudioHashes(t, media); !slices.Equal(got, want) {
		t.Errorf("%d audio packets, want the same %d", len(got), len(want))
	}

	b.Session("main", start) // a finished file is not finished again
	if all := b.serve(t); len(all) != 0 {
		t.Errorf("reports: %v", all)
	}
}

// Told to stop in the middle, the finisher leaves the take as it is and nothing beside it. The next one goes on.
func TestFinishCancelled(t *testing.T) {
	dir := t.TempDir()
	file := record(t, dir, relaytest.Media(t, relaytest.Duration(2*time.Second)))
	before := read(t, file)
	begun := make(chan struct{})
	b := newBench(dir, func(ctx context.Context, job ffmpeg.Job) error {
		write(t, before[:1000], job.Outputs[0].URL)
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	})
	if err := b.All(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- b.Serve(ctx) }()
	<-begun
	if b.Idle() {
		t.Error("idle in the middle of a file")
	}
	cancel()
	if err := <-gone; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if got := names(t, filepath.Dir(file)); !slices.Equal(got, []string{startName + ".mp4"}) || !bytes.Equal(read(t, file), before) {
		t.Errorf("files: %v", got)
	}
	if len(b.reports) > 0 {
		t.Errorf("a stop was reported: %v", <-b.reports)
	}

	b = newBench(dir, runFFmpeg)
	if err := b.All(); err != nil {
		t.Fatal(err)
	}
	if all := b.serve(t); len(all) != 1 || all[0].err != nil {
		t.Errorf("reports: %v", all)
	}
}

// A finisher that was killed left a half-made copy. Nobody else's files are touched.
func TestAllRemovesLeftovers(t *testing.T) {
	dir := t.TempDir()
	left := write(t, []byte("half"), dir, "main", startName+".mp4.tmp")
	part := write(t, []byte("half"), dir, "main", startName+".part2.mp4.tmp")
	kept := []string{
		write(t, []byte("mine"), dir, "main", "holiday.mp4.tmp"),
		write(t, []byte("mine"), dir, "main", "holiday.mp4"),
		write(t, []byte("mine"), dir, startName+".mp4.tmp"),
	}
	b := newBench(dir, func(context.Context, ffmpeg.Job) error { return errors.New("run on a file that is no take") })
	if err := b.All(); err != nil {
		t.Fatal(err)
	}
	if all := b.serve(t); len(all) != 0 {
		t.Errorf("reports: %v", all)
	}
	if size(left)+size(part) != 0 {
		t.Error("leftovers are still there")
	}
	for _, name := range kept {
		if string(read(t, name)) != "mine" {
			t.Errorf("%s was touched", name)
		}
	}
}

// ffmpeg may end with 0 on a disk that is full. What it wrote then must not take the recording's place.
func TestFinishDoesNotTrustExitCodes(t *testing.T) {
	dir := t.TempDir()
	file := record(t, dir, relaytest.Media(t, relaytest.Duration(2*time.Second)))
	before := read(t, file)
	for name, run := range map[string]func(context.Context, ffmpeg.Job) error{
		"nothing written": func(context.Context, ffmpeg.Job) error { return nil },
		"empty":           func(_ context.Context, j ffmpeg.Job) error { return os.WriteFile(j.Outputs[0].URL, nil, 0o644) },
		"short": func(ctx context.Context, j ffmpeg.Job) error {
			if err := runFFmpeg(ctx, j); err != nil {
				return err
			}
			return os.Truncate(j.Outputs[0].URL, int64(len(before)/2))
		},
		"still fragmented": func(_ context.Context, j ffmpeg.Job) error { return os.WriteFile(j.Outputs[0].URL, before, 0o644) },
		"failed":           func(context.Context, ffmpeg.Job) error { return errors.New("exit 1") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(dir, run)
			b.Session("main", start)
			all := b.serve(t)
			if len(all) != 1 || all[0].err == nil || !strings.Contains(all[0].err.Error(), startName) {
				t.Errorf("reports: %v", all)
			}
			if got := names(t, filepath.Dir(file)); !slices.Equal(got, []string{startName + ".mp4"}) || !bytes.Equal(read(t, file), before) {
				t.Errorf("the recording was not kept as it was; files: %v", got)
			}
		})
	}
}

// However a recording was cut off, it is finished with all that plays, or kept and reported.
func TestFinishOfWhatIsLeft(t *testing.T) {
	whole := read(t, record(t, t.TempDir(), relaytest.Media(t)))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 6 {
		cut := random.IntN(len(whole))
		dir := t.TempDir()
		file := write(t, whole[:cut], dir, "main", startName+".mp4")
		packets, _, _, err := recorder.Index(file)
		if err != nil {
			t.Fatal(err)
		}
		plays := slices.ContainsFunc(packets, func(n int) bool { return n > 0 })
		b := newBench(dir, runFFmpeg)
		b.Session("main", start)
		all := b.serve(t)
		switch {
		case !plays && len(all) == 0: // it ends before anything could play
		case len(all) == 1 && all[0].err == nil:
			if size(file) < int64(cut)*9/10 {
				t.Errorf("cut at %d of %d: finished to %d bytes", cut, len(whole), size(file))
			}
			relaytest.VideoHashes(t, file) // fails where it does not play
		case len(all) == 1:
			if !bytes.Equal(read(t, file), whole[:cut]) {
				t.Errorf("cut at %d: not finished (%v) and not kept", cut, all[0].err)
			}
		default:
			t.Errorf("cut at %d: packets %v, reports %v", cut, packets, all)
		}
		if got := names(t, filepath.Dir(file)); len(got) != 1 {
			t.Errorf("cut at %d: files %v", cut, got)
		}
	}
}

// A real child is killed by the kernel in the middle of its work.
func TestFinishWhoseChildIsKilled(t *testing.T) {
	dir := t.TempDir()
	file := record(t, dir, relaytest.Media(t))
	before := read(t, file)
	b := newBench(dir, func(ctx context.Context, job ffmpeg.Job) error {
		s := spec(t, job, nil)
		ctx, cancel := context.WithCancel(ctx)
		s.Started = func(int) { cancel() }
		s.Grace = process.Grace{Term: time.Millisecond, Kill: time.Millisecond}
		if exit := process.Run(ctx, s); exit.Code != 0 {
			return errors.New(exit.String())
		}
		return nil
	})
	b.Session("main", start)
	if all := b.serve(t); len(all) != 1 || all[0].err == nil {
		t.Errorf("reports: %v", all)
	}
	if got := names(t, filepath.Dir(file)); len(got) != 1 || !bytes.Equal(read(t, file), before) {
		t.Errorf("the recording was not kept as it was; files: %v", got)
	}
}
