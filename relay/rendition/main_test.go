package rendition_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/process"
	"github.com/restreamd/restreamd/relay/rendition"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// live is what the engine tells of a stream like relaytest.Media.
var live = ffmpeg.Attempt{Stream: "main", Audio: true, Video: true, FPS: 30}

// frame is one packet of media, with its presentation time in milliseconds.
type frame struct {
	at   int64
	key  bool
	size int
}

// clip is what an FLV file holds.
type clip struct {
	video, audio []frame // in the order of presentation
	raw          []byte
}

// encode lets a real child make a rendition of the FLV.
func encode(t *testing.T, s rendition.Settings, a ffmpeg.Attempt, source []byte) clip {
	t.Helper()
	job, err := rendition.Recipe{Settings: s}.Job(a)
	if err != nil {
		t.Fatal(err)
	}
	args, err := job.Args()
	if err != nil {
		t.Fatal(err)
	}
	var made []byte
	exit := process.Run(t.Context(), process.Spec{
		Path: "ffmpeg", Args: args, Env: ffmpeg.Env(), DieWithParent: true,
		Feed: func(_ context.Context, stdin *os.File) error {
			_, err := stdin.Write(source)
			return err
		},
		Output: func(stdout io.Reader) (err error) {
			made, err = io.ReadAll(stdout)
			return err
		},
	})
	if exit.Code != 0 || exit.Err != nil || len(exit.Lines) != 0 {
		t.Fatalf("%v: %q", exit, exit.Lines)
	}
	return parse(t, made)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parse(t *testing.T, file []byte) clip {
	t.Helper()
	c := clip{raw: file}
	for _, p := range packets(t, file) {
		if len(p.Body) < 5 || p.Body[1] != 1 { // a codec header
			continue
		}
		switch f := (frame{at: p.DTS, key: p.Keyframe, size: len(p.Body)}); p.Kind {
		case relay.Video:
			f.at += int64(p.Body[2])<<16 | int64(p.Body[3])<<8 | int64(p.Body[4])
			c.video = append(c.video, f)
		case relay.Audio:
			c.audio = append(c.audio, f)
		}
	}
	slices.SortFunc(c.video, func(a, b frame) int { return int(a.at - b.at) })
	return c
}

func packets(t *testing.T, file []byte) []relay.Packet {
	t.Helper()
	var all []relay.Packet
	for r := flv.NewReader(bytes.NewReader(file)); ; {
		p, err := r.Read()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// keyframes are the presentation times of those, less that of the first.
func (c clip) keyframes() []int64 {
	var at []int64
	for _, f := range c.video {
		if f.key {
			at = append(at, f.at-c.video[0].at)
		}
	}
	return at
}
