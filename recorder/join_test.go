package recorder_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/naming"
	"github.com/restreamd/restreamd/relay/relaytest"
)

func short(t *testing.T, opts ...relaytest.MediaOption) string {
	return relaytest.Media(t, append([]relaytest.MediaOption{relaytest.Duration(2 * time.Second)}, opts...)...)
}

// hashes are those of every packet of some files, one after the other.
func hashes(t *testing.T, of func(testing.TB, string) []string, files ...string) (all []string) {
	t.Helper()
	for _, f := range files {
		all = append(all, of(t, f)...)
	}
	return all
}

// sameMedia checks that a file has every packet of some others, one after the other, on a clock that never goes back,
// and can be decoded without an error.
func sameMedia(t *testing.T, file string, of ...string) {
	t.Helper()
	if got, want := relaytest.VideoHashes(t, file), hashes(t, relaytest.VideoHashes, of...); !slices.Equal(got, want) {
		t.Errorf("%s: %d video packets, want the same %d", filepath.Base(file), len(got), len(want))
	}
	if got, want := relaytest.AudioHashes(t, file), hashes(t, relaytest.AudioHashes, of...); !slices.Equal(got, want) {
		t.Errorf("%s: %d audio packets, want the same %d", filepath.Base(file), len(got), len(want))
	}
	plays(t, file)
}

func plays(t *testing.T, file string) {
	t.Helper()
	if out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-i", file, "-enc_time_base", "-1", "-f", "null", "-").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%s does not play: %v\n%s", filepath.Base(file), err, out)
	}
	for _, track := range []string{"v", "a"} {
		last := -1e9
		for _, at := range probe(t, file, "-select_streams", track, "-show_entries", "packet=dts_time") {
			var dts float64
			if strings.HasPrefix(at, "N/A") { // Matroska does not keep them
				continue
			}
			if _, err := fmt.Sscan(strings.TrimSuffix(at, ","), &dts); err != nil {
				t.Fatalf("%s: dts %q", file, at)
			}
			if dts <= last {
				t.Fatalf("%s: %s goes from %f to %f s", filepath.Base(file), track, last, dts)
			}
			last = dts
		}
	}
}

// probe returns what ffprobe prints, a line each.
func probe(t *testing.T, file string, args ...string) (lines []string) {
	t.Helper()
	out, err := exec.Command("ffprobe", append(append([]string{"-v", "error", "-of", "csv=p=0"}, args...), file)...).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	return strings.Fields(string(out))
}

func length(t *testing.T, file string) (seconds float64) {
	t.Helper()
	if _, err := fmt.Sscan(probe(t, file, "-show_entries", "format=duration")[0], &seconds); err != nil {
		t.Fatal(err)
	}
	return seconds
}

// only checks that a folder holds these recordings of the session, and no other file.
func only(t *testing.T, folder string, want ...string) {
	t.Helper()
	for i := range want {
		want[i] = startName + want[i] + ".mp4"
	}
	if got := names(t, folder); !slices.Equal(got, want) {
		t.Errorf("files: %v, want %v", got, want)
	}
}

func allWell(t *testing.T, all []result, files ...string) {
	t.Helper()
	var got []string
	for _, r := range all {
		if r.err != nil {
			t.Errorf("%s: %v", r.file, r.err)
		}
		got = append(got, r.file)
	}
	if !slices.Equal(got, files) {
		t.Errorf("reports of %v, want %v", got, files)
	}
}

// The parts of a take become one file, with every packet of each.
func TestJoin(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's [a] #?% {folder}") // what means something to ffmpeg is a name like another
	media := []string{short(t), relaytest.Media(t), short(t)}
	first := record(t, dir, media[0])
	record(t, dir, media[1])
	third := record(t, dir, media[2])
	written := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(third, written, written); err != nil {
		t.Fatal(err)
	}
	b := newBench(dir, runFFmpeg)
	b.Session("main", start)
	allWell(t, b.serve(t), first)
	only(t, filepath.Dir(first), "")
	sameMedia(t, first, media...)
	if got := length(t, first); got < 12 || got > 12.2 {
		t.Errorf("it lasts %.3f s, want 12", got)
	}
	if fragmented, err := recorder.IsFragmented(first); err != nil || fragmented {
		t.Errorf("still fragmented: %v, %v", fragmented, err)
	}
	if info, err := os.Stat(first); err != nil || !info.ModTime().Equal(written) {
		t.Errorf("it is as old as %v, want the end of the show, %v", info.ModTime(), written)
	}
	if got := probe(t, first, "-show_chapters"); len(got) > 0 {
		t.Errorf("chapters %v in a take without gaps", got)
	}

	b.Session("main", start)
	if err := b.All(); err != nil {
		t.Fatal(err)
	}
	if all := b.serve(t); len(all) != 0 {
		t.Errorf("finished again: %v", all)
	}
}

func TestJoinOfOneTrack(t *testing.T) {
	for name, only := range map[string]relaytest.MediaOption{"video": relaytest.VideoOnly(), "audio": relaytest.AudioOnly()} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			media := short(t, only)
			first := record(t, dir, media)
			record(t, dir, media)
			b := newBench(dir, runFFmpeg)
			b.Session("main", start)
			allWell(t, b.serve(t), first)
			track := relaytest.VideoHashes
			if name == "audio" {
				track = relaytest.AudioHashes
			}
			if got, want := track(t, first), hashes(t, track, media, media); !slices.Equal(got, want) {
				t.Errorf("%d packets, want the same %d", len(got), len(want))
			}
			plays(t, first)
		})
	}
}

// Parts with other codec headers stay parts. Those between two of them are joined all the same.
func TestPartsWithOtherHeadersStay(t *testing.T) {
	dir := t.TempDir()
	a, b := short(t), short(t, relaytest.Size(320, 180))
	var files []string
	for _, media := range []string{a, a, b, b, b, a} {
		files = append(files, record(t, dir, media))
	}
	silent := record(t, dir, short(t, relaytest.VideoOnly()))
	f := newBench(dir, runFFmpeg)
	f.Session("main", start)
	allWell(t, f.serve(t), files[0], files[2], files[5], silent)
	only(t, filepath.Dir(silent), "", ".part3", ".part6", ".part7")
	sameMedia(t, files[0], a, a)
	sameMedia(t, files[2], b, b, b)
	sameMedia(t, files[5], a)

	// What is recorded later has a later name, though some are free.
	if name := record(t, dir, a); filepath.Base(name) != startName+".part8.mp4" {
		t.Errorf("the next part is %s", name)
	}
}

// A part whose child was killed is joined with all that plays of it.
func TestJoinOfTornParts(t *testing.T) {
	media := relaytest.Media(t)
	whole := read(t, record(t, t.TempDir(), media))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	inSound := bytes.LastIndex(whole, []byte("mfra")) - 5000 // of the last fragment: its pictures are all there
	for i := range 4 {
		cut := len(whole)/4 + random.IntN(len(whole)/2)
		if i == 0 {
			cut = inSound
		}
		dir := t.TempDir()
		first := write(t, whole[:cut], dir, "main", startName+".mp4")
		second := write(t, whole[:len(whole)/4+random.IntN(len(whole)/2)], dir, "main", startName+".part2.mp4")
		write(t, whole, dir, "main", startName+".part3.mp4")
		var sure, all int
		for _, name := range []string{first, second} {
			packets, certain, _, err := recorder.Index(name)
			if err != nil {
				t.Fatal(err)
			}
			sure, all = sure+certain[0], all+packets[0]
		}
		b := newBench(dir, runFFmpeg)
		b.Session("main", start)
		allWell(t, b.serve(t), first)
		only(t, filepath.Dir(first), "")
		got, last := relaytest.VideoHashes(t, first), relaytest.VideoHashes(t, media)
		if n := len(got) - len(last); n < sure || n > all || !slices.Equal(got[n:], last) {
			t.Errorf("%d packets of two torn parts, want %d to %d and the third's", n, sure, all)
		}
		plays(t, first)
	}
}

// A recorder that is killed, or a disk that fills up, may end a file anywhere: within a fragment's index too, which
// ffmpeg alone would not take.
func TestTornWithinAFragmentsIndex(t *testing.T) {
	media := relaytest.Media(t)
	whole := read(t, record(t, t.TempDir(), media))
	last := bytes.LastIndex(whole, []byte("moof")) - 4
	end := bytes.LastIndex(whole, []byte("mdat")) - 4
	full := write(t, whole[:last], t.TempDir(), "a.mp4")
	want := relaytest.VideoHashes(t, full)
	for cut := last + 1; cut < end; cut += (end - last) / 8 {
		dir := t.TempDir()
		file := write(t, whole[:cut], dir, "main", startName+".mp4")
		at(t, file, start.Add(time.Hour))
		b := newBench(dir, runFFmpeg)
		b.Session("main", start)
		allWell(t, b.serve(t), file)
		if got := relaytest.VideoHashes(t, file); !slices.Equal(got, want) {
			t.Errorf("torn %d bytes into an index of %d: %d packets, want the %d before", cut-last, end-last, len(got), len(want))
		}
		if info, err := os.Stat(file); err != nil || !info.ModTime().Equal(start.Add(time.Hour)) {
			t.Errorf("the file's age changed: %v, %v", info.ModTime(), err)
		}
		plays(t, file)
	}
}

// How many packets of a torn fragment ffmpeg hands out is its own affair. Of others it must hand out all.
func TestTornEndIsNotCertain(t *testing.T) {
	whole := read(t, record(t, t.TempDir(), relaytest.Media(t)))
	last := bytes.LastIndex(whole, []byte("moof")) - 4
	for name, c := range map[string]struct {
		handedOut int
		ok        bool
	}{
		"fewer of the torn fragment":    {last + 20_000, true},
		"fewer of the fragments before": {last - 20_000, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, whole[:last+100_000], dir, "main", startName+".mp4")
			b := newBench(dir, func(ctx context.Context, job ffmpeg.Job) error {
				job.Input.URL = write(t, whole[:c.handedOut], t.TempDir(), "a.mp4")
				return runFFmpeg(ctx, job)
			})
			b.Session("main", start)
			if all := b.serve(t); len(all) != 1 || (all[0].err == nil) != c.ok {
				t.Errorf("reports: %v, want success %v", all, c.ok)
			}
		})
	}
}

// A session that went on after the relay was started again has parts that were finished meanwhile.
func TestJoinWithAFinishedPart(t *testing.T) {
	dir := t.TempDir()
	media := []string{short(t), short(t), relaytest.Media(t)}
	first := record(t, dir, media[0])
	hour := time.Date(2026, 11, 22, 19, 0, 0, 0, time.UTC)
	at(t, first, hour)
	black(t, dir, entry(hour.Add(-5*time.Second), "hold", ""), entry(hour.Add(-time.Second), "feeding", "studio"))
	b := newBench(dir, runFFmpeg)
	if err := b.All(); err != nil {
		t.Fatal(err)
	}
	second := record(t, dir, media[1]) // it must not be touched yet
	live := read(t, second)
	allWell(t, b.serve(t), first)
	sameMedia(t, first, media[0])
	if string(read(t, second)) != string(live) {
		t.Error("a part that was not there when the finisher was asked was touched")
	}

	at(t, second, hour.Add(30*time.Second))
	at(t, record(t, dir, media[2]), hour.Add(38*time.Second))
	b.Session("main", start)
	allWell(t, b.serve(t), first)
	onlyBeside(t, filepath.Dir(first))
	sameMedia(t, first, media...)
	expectChapters(t, first, "0.0 Hold", "1.0 On air", "2.0 On air, after 28 s without recording")

	// Once more: a finished file knows its chapters best.
	at(t, record(t, dir, media[0]), hour.Add(50*time.Second))
	b.Session("main", start)
	allWell(t, b.serve(t), first)
	sameMedia(t, first, append(media, media[0])...)
	expectChapters(t, first, "0.0 Hold", "1.0 On air", "2.0 On air, after 28 s without recording", "12.1 On air, after 10 s without recording")
}

func TestJoinInARelativeFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	media := short(t)
	first := record(t, "data/recordings", media)
	record(t, "data/recordings", media)
	b := newBench("data/recordings", runFFmpeg)
	b.Session("main", start)
	allWell(t, b.serve(t), first)
	sameMedia(t, first, media, media)
}

// Whatever stops the finisher between two steps, nothing is lost or there twice, and the next one goes on; the session
// may have gone on before it did, or while it was about to. A file is told of when it has its name, be it twice.
func TestJoinStopsAnywhere(t *testing.T) {
	t.Parallel()
	small := []relaytest.MediaOption{relaytest.Size(320, 180), relaytest.Bitrate(200)}
	media := short(t, small...)
	once := relaytest.VideoHashes(t, media)
	for name, form := range map[string]recorder.Form{
		"usual": {},
		"named": {Container: recorder.MKV, Name: template(t, "shows/{start:2006}/{stream}")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tape := newBench(t.TempDir(), runFFmpeg)
			tape.Form = func(string) recorder.Form { return form }
			part := read(t, record(t, tape.Dir, media))
			record(t, tape.Dir, media)
			record(t, tape.Dir, media)
			tape.Session("main", start)
			all := tape.serve(t)
			if len(all) != 1 || all[0].err != nil {
				t.Fatalf("reports: %v", all)
			}
			joined := read(t, all[0].file)
			for n, done := 0, false; !done; n++ {
				for _, early := range []bool{false, true} {
					if name == "named" && early != (n%2 == 0) {
						continue // each step once: it costs a second
					}
					s := stopped{bench: newBench(t.TempDir(), runFFmpeg), told: map[string]bool{}}
					s.Form = tape.Form
					done = s.stopAfter(t, n, part, joined)
					if early {
						s.record(t, part)
					}
					if err := s.All(); err != nil {
						t.Fatal(err)
					}
					if !early {
						s.record(t, part)
					}
					s.finish(t)
					s.Session("main", start)
					s.finish(t)
					s.check(t, fmt.Sprintf("after %d steps, live before %v", n, early), form, slices.Concat(once, once, once, once))
				}
			}
		})
	}
}

func template(t *testing.T, text string) naming.Template {
	t.Helper()
	name, err := naming.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// stopped is a take of three parts whose finisher stopped.
type stopped struct {
	*bench
	base string
	told map[string]bool // files
}

func (s *stopped) stopAfter(t *testing.T, n int, part, joined []byte) (done bool) {
	t.Helper()
	s.base = filepath.Join(s.Dir, "main", startName)
	for range 3 {
		s.record(t, part)
	}
	done, err := s.StopAfter(n, s.base, write(t, joined, s.base+".mp4.tmp"), 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	for len(s.reports) > 0 {
		s.told[(<-s.reports).file] = true
	}
	return done
}

// check looks at all that is there when everything is finished: nothing but whole files that were told of.
func (s *stopped) check(t *testing.T, when string, form recorder.Form, want []string) {
	t.Helper()
	var files []string
	err := filepath.WalkDir(s.Dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(name) != ".json" {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(len(a), len(b)) }) // main.mkv, main-2.mkv
	most := 1
	if form.Container == recorder.MKV {
		most = 2 // it was finished when the session went on
	}
	if got := hashes(t, relaytest.VideoHashes, files...); len(files) > most || !slices.Equal(got, want) {
		t.Errorf("%s: %v, %d video packets, want the same %d", when, files, len(got), len(want))
	}
	for _, file := range files {
		if fragmented, err := recorder.IsFragmented(file); err != nil || fragmented || !s.told[file] {
			t.Errorf("%s: %s is fragmented %v (%v), told of %v", when, file, fragmented, err, s.told[file])
		}
	}
}

func (s *stopped) record(t *testing.T, part []byte) {
	t.Helper()
	name, err := recorder.FreeName(s.Dir, "main", start)
	if err != nil {
		t.Fatal(err)
	}
	write(t, part, name)
}

func (s *stopped) finish(t *testing.T) {
	t.Helper()
	for _, r := range s.serve(t) {
		s.told[r.file] = true
		if r.err != nil {
			t.Error(r.err)
		}
	}
}

// finisherEnv has this test's binary be a finisher and nothing else: one that can be killed.
const finisherEnv = "RECORDER_TEST_FINISH"

func TestJoinSurvivesAKill(t *testing.T) {
	media := relaytest.Media(t)
	dir := t.TempDir()
	first := record(t, dir, media)
	for range 3 {
		record(t, dir, media)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), finisherEnv+"="+dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(random.IntN(400)) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	b := newBench(dir, runFFmpeg)
	if err := b.All(); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.serve(t) {
		if r.err != nil {
			t.Error(r.err)
		}
	}
	only(t, filepath.Dir(first), "")
	sameMedia(t, first, media, media, media, media)
}

// ffmpeg may end with 0 and have left out a part. The parts must not be removed then; each is finished by itself.
func TestJoinDoesNotTrustExitCodes(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, list string) string{
		"last part left out": func(_ *testing.T, list string) string { return list[:strings.LastIndex(list, "file")] },
		"a part twice": func(_ *testing.T, list string) string {
			return list + list[strings.Index(list, "file"):strings.LastIndex(list, "file")]
		},
		"parts over each other": func(_ *testing.T, list string) string { return strings.ReplaceAll(list, "duration 2", "duration 1") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			media := []string{short(t), short(t, relaytest.Bitrate(300))}
			first, second := record(t, dir, media[0]), record(t, dir, media[1])
			b := newBench(dir, func(ctx context.Context, job ffmpeg.Job) error {
				if job.Input.Options["f"] == "concat" {
					write(t, []byte(spoil(t, string(read(t, job.Input.URL)))), job.Input.URL)
				}
				return runFFmpeg(ctx, job)
			})
			b.Session("main", start)
			all := b.serve(t)
			if len(all) != 3 || all[0].err == nil || !strings.Contains(all[0].err.Error(), "join "+startName) {
				t.Fatalf("reports: %v", all)
			}
			allWell(t, all[1:], first, second)
			only(t, filepath.Dir(first), "", ".part2")
			sameMedia(t, first, media[0])
			sameMedia(t, second, media[1])
		})
	}
}

// A child that ended before anything could play leaves an empty file. One that is not understood stays.
func TestJoinOverPartsWithoutMedia(t *testing.T) {
	media := short(t)
	for name, c := range map[string]struct {
		content string
		want    []string
	}{
		"empty":   {"", []string{""}},
		"garbage": {"garbage", []string{"", ".part2", ".part3"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first := record(t, dir, media)
			write(t, []byte(c.content), dir, "main", startName+".part2.mp4")
			record(t, dir, media)
			b := newBench(dir, runFFmpeg)
			b.Session("main", start)
			for _, r := range b.serve(t) {
				if r.err != nil {
					t.Error(r.err)
				}
			}
			only(t, filepath.Dir(first), c.want...)
		})
	}
}

// The finisher is told to stop in the middle of a joining: the parts are as they were.
func TestJoinCancelled(t *testing.T) {
	dir := t.TempDir()
	media := short(t)
	first := record(t, dir, media)
	second := record(t, dir, media)
	before := read(t, second)
	begun := make(chan struct{})
	b := newBench(dir, func(ctx context.Context, _ ffmpeg.Job) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	})
	b.Session("main", start)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- b.Serve(ctx) }()
	<-begun
	cancel()
	if err := <-gone; err != nil {
		t.Errorf("Serve: %v", err)
	}
	only(t, filepath.Dir(first), "", ".part2")
	if string(read(t, second)) != string(before) || len(b.reports) > 0 {
		t.Errorf("parts were touched, or %d reports made", len(b.reports))
	}
}
