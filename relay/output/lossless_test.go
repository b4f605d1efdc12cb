package output_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

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
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || len(b) < flv.HeaderSize {
		return nil, nil
	}
	in := bytes.NewReader(b)
	r := flv.NewReader(in)
	var m ffmpeg.Mark
	m.Offset = flv.HeaderSize
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
		if m.Offset > behind.Offset {
			all = append(all, m)
		}
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
