package output_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// tags is the ledger of files that are what a child was fed: a file may end behind each tag.
type tags struct{}

func (tags) Marks(file string, behind ffmpeg.Mark) (all []ffmpeg.Mark, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := behind
	m.Offset = max(m.Offset, flv.HeaderSize)
	head := bytes.NewReader(flv.AppendHeader(nil, true, true))
	r := flv.NewReader(bufio.NewReader(io.MultiReader(head, io.NewSectionReader(f, m.Offset, 1<<40))))
	for {
		p, err := r.Read()
		if err != nil {
			return all, nil
		}
		tally := &m.Audio
		if p.Kind == relay.Video {
			tally = &m.Video
		}
		if n := int64(flv.Payload(&p)); n > 0 {
			tally.Packets++
			tally.Bytes += n
		}
		m.Offset += int64(len(p.Body)) + 15
		all = append(all, m)
	}
}

func (tags) Cut(file string, at ffmpeg.Mark) error { return os.Truncate(file, at.Offset) }

// Whenever a recorder's child is killed, what was received is recorded: each packet once.
func TestNothingIsLostOverKills(t *testing.T) {
	t.Parallel()
	const kills = 8
	media := relaytest.Media(t)
	packets := packetsOf(t, media)
	s := open(t, "ffmpeg").serve()
	dir := t.TempDir()
	spec := s.spec("record", recorder.Recipe{Dir: dir})
	spec.Ledger = recorder.Recipe{Dir: dir}
	s.Apply([]output.Spec{spec})
	pub := playInto(t, s.stream, media, "record")
	for n := range kills {
		half := rand.IntN(len(packets))
		writeAll(t, pub, packets[:half])
		o := s.await("record", "its child to be fed", func(o output.Status) bool { return o.Starts > n && o.Pid != 0 && (n%2 == 0 || o.Fed > 0) })
		kill(t, o.Pid)
		s.await("record", "the kill to be seen", func(o output.Status) bool { return o.Failures > n })
		writeAll(t, pub, packets[half:])
		s.Retry(spec.ID)
	}
	pub.Close()
	s.awaitState("record", output.Waiting)
	var video, audio []string
	for _, part := range partsOf(t, dir) {
		video = append(video, relaytest.VideoHashes(t, part)...)
		audio = append(audio, relaytest.AudioHashes(t, part)...)
	}
	if want := slices.Repeat(relaytest.VideoHashes(t, media), kills+1); !slices.Equal(video, want) {
		t.Errorf("%d pictures are recorded, not the %d received", len(video), len(want))
	}
	if want := slices.Repeat(relaytest.AudioHashes(t, media), kills+1); !slices.Equal(audio, want) {
		t.Errorf("%d packets of sound are recorded, not the %d received", len(audio), len(want))
	}
}

func packetsOf(t *testing.T, media string) (all []relay.Packet) {
	t.Helper()
	b, err := os.ReadFile(media)
	if err != nil {
		t.Fatal(err)
	}
	r := flv.NewReader(bytes.NewReader(b))
	for {
		p, err := r.Read()
		if err != nil {
			return all
		}
		all = append(all, p)
	}
}

func writeAll(t *testing.T, pub *relay.Publication, packets []relay.Packet) {
	t.Helper()
	for _, p := range packets {
		if err := pub.Write(p); err != nil {
			t.Fatal(err)
		}
	}
}

// Files that may last so long follow each other at a keyframe, without a packet between them lost, also over a kill: the next
// child goes on with the file that was begun.
func TestFilesEndAtAKeyframe(t *testing.T) {
	t.Parallel()
	media := relaytest.Media(t)
	s := open(t, "ffmpeg").serve()
	dir := t.TempDir()
	spec := s.spec("record", recorder.Recipe{Dir: dir})
	spec.Ledger, spec.Roll = recorder.Recipe{Dir: dir}, 10*time.Second
	s.Apply([]output.Spec{spec})
	pub := playInto(t, s.stream, media, "record") // 8 s
	kill(t, s.await("record", "its child to be fed", func(o output.Status) bool { return o.Pid != 0 && o.Fed > 0 }).Pid)
	s.await("record", "the kill to be seen", func(o output.Status) bool { return o.Failures > 0 })
	for range 2 {
		write(t, pub, media)
	}
	pub.Close()
	s.awaitState("record", output.Waiting)
	var video, audio []string
	var lengths []int
	for _, part := range partsOf(t, dir) {
		v := relaytest.VideoHashes(t, part)
		lengths = append(lengths, len(v))
		video, audio = append(video, v...), append(audio, relaytest.AudioHashes(t, part)...)
	}
	t.Log(lengths)
	if want := slices.Repeat(relaytest.VideoHashes(t, media), 3); !slices.Equal(video, want) {
		t.Errorf("%d pictures are recorded, not the %d received", len(video), len(want))
	}
	if want := slices.Repeat(relaytest.AudioHashes(t, media), 3); !slices.Equal(audio, want) {
		t.Errorf("%d packets of sound are recorded, not the %d received", len(audio), len(want))
	}
	const second = 30 // packets, and a GOP
	if len(lengths) != 4 || slices.ContainsFunc(lengths, func(n int) bool { return n%second != 0 || n > 11*second }) || lengths[0]+lengths[1] != 10*second {
		t.Errorf("24 s in files of 10, the first of them in two parts: %v pictures", lengths)
	}
}

// partsOf lists the files of the only take in their order.
func partsOf(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "main", "*.mp4"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no recording: %v", err)
	}
	slices.SortFunc(names, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
	return names
}

// An output that may lose nothing holds on disk what memory does not, for as long as there is nobody to take it.
func TestWhatMemoryCannotHoldGoesToDisk(t *testing.T) {
	t.Parallel()
	var disk unix.Statfs_t
	if err := unix.Statfs(t.TempDir(), &disk); err != nil || disk.Bavail*uint64(disk.Bsize) < 2<<30 {
		t.Skip("no room here")
	}
	tool := filepath.Join(t.TempDir(), "ffmpeg")
	s := open(t, tool)
	s.Spool = t.TempDir()
	s.serve()
	recipe := files{dir: t.TempDir(), name: "a"}
	spec := s.spec("a", recipe)
	spec.Ledger = tags{}
	s.Apply([]output.Spec{spec})
	on := publish(t, s.stream)
	on.headers(1)
	on.gop(0)
	s.awaitState("a", output.Retrying)
	for range 45 {
		on.gop(500 << 10)
	}
	o := s.await("a", "the disk to hold some of it", func(o output.Status) bool { return o.Held.Disk > 8<<20 })
	if left, err := os.ReadDir(s.Spool); err != nil || len(left) > 0 {
		t.Errorf("a relay that is killed would leave behind %v, %v", left, err)
	}
	t.Logf("held: %+v", o.Held)
	if err := os.Symlink(filepath.Join(scriptDir, "keeps"), tool); err != nil {
		t.Fatal(err)
	}
	s.Retry(spec.ID)
	s.await("a", "nothing to be held", func(o output.Status) bool { return o.State == output.Running && o.Held == output.Held{} })
	for range 3 {
		on.gop(1000)
	}
	on.pub.Close()
	o = s.awaitState("a", output.Waiting)
	if o.Drops.Packets > 0 {
		t.Errorf("lost: %+v", o.Drops)
	}
	same(t, "all", parse(t, only(t, recipe.dir, "a-*")).media, on.sent)
}

// While the end of a session waits for a child, the next one begins: both are whole.
func TestTheNextSessionWaitsForTheLast(t *testing.T) {
	t.Parallel()
	tool := filepath.Join(t.TempDir(), "ffmpeg")
	s := open(t, tool).serve()
	recipe := files{dir: t.TempDir(), name: "a"}
	spec := s.spec("a", recipe)
	spec.Ledger = tags{}
	s.Apply([]output.Spec{spec})
	var sent [][]byte
	for range 2 {
		relaytest.Eventually(t, soon, "the output to wait for the session", func() bool { return s.stream.Status().Outputs == 1 })
		on := publish(t, s.stream)
		on.begin()
		s.await("a", "failures", func(o output.Status) bool { return o.Failures > 1 })
		on.gop(10)
		on.pub.Close()
		sent = append(sent, on.sent...)
	}
	if err := os.Symlink(filepath.Join(scriptDir, "keeps"), tool); err != nil {
		t.Fatal(err)
	}
	within(t, patient, func() string { return text(s.status("a")) + fmt.Sprint(s.finishes()) }, func() bool { return len(s.finishes()) == 2 })
	names, err := filepath.Glob(filepath.Join(recipe.dir, "a-*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(names, func(a, b string) int { // by age: parts are counted anew in each session
		x, _ := os.Stat(a)
		y, _ := os.Stat(b)
		return x.ModTime().Compare(y.ModTime())
	})
	var got [][]byte
	for _, name := range names {
		got = append(got, parse(t, name).media...)
	}
	same(t, "both", got, sent)
}
