package recorder_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// in has a finisher make files of a container.
func (b *bench) in(c recorder.Container) *bench {
	b.Form = func(string) recorder.Form { return recorder.Form{Container: c} }
	return b
}

// tsAudio are hashes of a file's sound as MPEG-TS and others have it in common: without its ADTS headers.
func tsAudio(t testing.TB, file string) (all []string) {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", file, "-map", "0:a", "-c", "copy", "-copyts", "-bsf:a", "aac_adtstoasc",
		"-f", "framehash", "-hash", "md5", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(line, ","); len(f) >= 6 && !strings.HasPrefix(line, "#") {
			all = append(all, strings.TrimSpace(f[5]))
		}
	}
	return all
}

// sameMediaTS is sameMedia for MPEG-TS.
func sameMediaTS(t *testing.T, file string, of ...string) {
	t.Helper()
	if got, want := relaytest.VideoHashesAnnexB(t, file), hashes(t, relaytest.VideoHashesAnnexB, of...); !slices.Equal(got, want) {
		t.Errorf("%s: %d video packets, want the same %d", filepath.Base(file), len(got), len(want))
	}
	if got, want := tsAudio(t, file), hashes(t, tsAudio, of...); !slices.Equal(got, want) {
		t.Errorf("%s: %d audio packets, want the same %d", filepath.Base(file), len(got), len(want))
	}
	plays(t, file)
}

func TestContainers(t *testing.T) {
	t.Parallel()
	for c, same := range map[recorder.Container]func(*testing.T, string, ...string){
		recorder.MP4: sameMedia, recorder.MKV: sameMedia, recorder.TS: sameMediaTS,
	} {
		t.Run(string(c), func(t *testing.T) {
			dir := t.TempDir()
			media := []string{short(t), relaytest.Media(t)}
			at(t, record(t, dir, media[0]), start.Add(3*time.Second))
			at(t, record(t, dir, media[1]), start.Add(31*time.Second))
			b := newBench(dir, runFFmpeg).in(c)
			b.Session("main", start)
			file := filepath.Join(dir, "main", startName+"."+string(c))
			allWell(t, b.serve(t), file)
			if got := names(t, filepath.Dir(file)); !slices.Equal(got, []string{filepath.Base(file)}) {
				t.Errorf("files: %v", got)
			}
			same(t, file, media...)
			if c != recorder.TS {
				tags := strings.Join(probe(t, file, "-show_entries", "format_tags"), " ")
				for _, want := range []string{"2026-11-22T18:00:00.000000Z", start.Local().Format(time.RFC3339)} {
					if !strings.Contains(tags, want) {
						t.Errorf("it does not tell when it was recorded: no %s in %s", want, tags)
					}
				}
				expectChapters(t, file, "0.0 On air", "2.0 On air, after 20 s without recording")
			}

			if err := b.All(); err != nil {
				t.Fatal(err)
			}
			if all := b.serve(t); len(all) != 0 {
				t.Errorf("finished again: %v", all)
			}
		})
	}
}

// A child that was killed, and one that records sound or picture alone, are finished in any container.
func TestContainersOfWhatIsLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []recorder.Container{recorder.MKV, recorder.TS} {
		dir := t.TempDir()
		media := relaytest.Media(t)
		first := recordAndKill(t, dir, media)
		plays := relaytest.VideoHashesAnnexB(t, first)
		record(t, dir, short(t, relaytest.VideoOnly()))
		record(t, dir, short(t, relaytest.AudioOnly()))
		b := newBench(dir, runFFmpeg).in(c)
		b.Session("main", start)
		base := filepath.Join(dir, "main", startName)
		allWell(t, b.serve(t), base+"."+string(c), base+".part2."+string(c), base+".part3."+string(c))
		if got := relaytest.VideoHashesAnnexB(t, base+"."+string(c)); len(got) == 0 || !slices.Equal(got, plays) {
			t.Errorf("%s: %d video packets of a torn part, want the same %d", c, len(got), len(plays))
		}
		if n := len(relaytest.VideoHashesAnnexB(t, base+".part2."+string(c))); n != 60 {
			t.Errorf("%s: %d pictures, want 60", c, n)
		}
	}
}

// What ffmpeg made and cannot be read back whole never takes the recording's place. The recording becomes MP4 then.
func TestContainersDoNotTrustExitCodes(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, spoil := range map[string]func(b *bench){
		"cut off": func(b *bench) {
			b.Run = func(ctx context.Context, job ffmpeg.Job) error {
				if err := runFFmpeg(ctx, job); err != nil || job.Outputs[0].Options["f"] == "mp4" {
					return err
				}
				return os.Truncate(job.Outputs[0].URL, size(job.Outputs[0].URL)-100_000)
			}
		},
		"a packet lost": func(b *bench) {
			b.Read = func(ctx context.Context, job ffmpeg.Job, see func(io.Reader) error) error {
				return readFFmpeg(ctx, job, func(r io.Reader) error {
					text, err := io.ReadAll(r)
					if err != nil {
						return err
					}
					text = text[:strings.LastIndex(strings.TrimSpace(string(text)), "\n")+1]
					return see(strings.NewReader(string(text)))
				})
			}
		},
		"not written": func(b *bench) { b.Run = failsUnlessMP4(broken) },
		"not read": func(b *bench) {
			b.Read = func(context.Context, ffmpeg.Job, func(io.Reader) error) error { return broken }
		},
		"no way to read": func(b *bench) { b.Read = nil },
	} {
		for _, c := range []recorder.Container{recorder.MKV, recorder.TS} {
			t.Run(name+" "+string(c), func(t *testing.T) {
				dir := t.TempDir()
				media := short(t)
				file := record(t, dir, media)
				b := newBench(dir, runFFmpeg).in(c)
				spoil(b)
				b.Session("main", start)
				all := b.serve(t)
				if len(all) != 2 || all[0].err == nil || !strings.Contains(all[0].err.Error(), "as "+string(c)) {
					t.Fatalf("reports: %v", all)
				}
				allWell(t, all[1:], file)
				only(t, filepath.Dir(file), "")
				if got, want := relaytest.VideoHashes(t, file), relaytest.VideoHashes(t, media); !slices.Equal(got, want) {
					t.Errorf("%d video packets, want the same %d", len(got), len(want))
				}
			})
		}
	}
}

func failsUnlessMP4(err error) func(context.Context, ffmpeg.Job) error {
	return func(ctx context.Context, job ffmpeg.Job) error {
		if job.Outputs[0].Options["f"] == "mp4" {
			return runFFmpeg(ctx, job)
		}
		return err
	}
}

// Whatever is read back, reading ends, and takes nothing for a packet that is none.
func FuzzReadBack(f *testing.F) {
	f.Add("#tb 0: 1/90000\n0, 1, 2, 3, 4, 0x5\n")
	f.Add("#tb 99: 1/0\n")
	f.Add("0,9223372036854775807,-1,9223372036854775807,4294967295,\n")
	f.Fuzz(func(t *testing.T, text string) {
		packets, err := recorder.ReadBack(strings.NewReader(text))
		if err == nil && packets > strings.Count(text, "\n")+1 {
			t.Errorf("%d packets of %q", packets, text)
		}
	})
}
