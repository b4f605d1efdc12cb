package recorder_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/relaytest"
)

func TestIsFragmented(t *testing.T) {
	dir := t.TempDir()
	file := record(t, dir, relaytest.Media(t, relaytest.Duration(2*time.Second)))
	live := read(t, file)
	if err := runFFmpeg(context.Background(), recorder.MP4.FinishJob(file, filepath.Join(dir, "finished.mp4"), write(t, []byte(";FFMETADATA1\n"), dir, "told"))); err != nil {
		t.Fatal(err)
	}
	huge := binary.BigEndian.AppendUint64(append(box("moov", nil)[:4:4], "moov"...), math.MaxInt64)
	copy(huge, []byte{0, 0, 0, 1})

	for name, c := range map[string]struct {
		content []byte
		want    bool
	}{
		"recording":                 {live, true},
		"recording, last byte lost": {live[:len(live)-1], true},
		"recording, half":           {live[:len(live)/2], true},
		"finished":                  {read(t, filepath.Join(dir, "finished.mp4")), false},
		"cut before its moov":       {live[:20], false},
		"cut in its moov":           {live[:100], false},
		"empty":                     {nil, false},
		"garbage":                   {bytes.Repeat([]byte("garbage "), 1000), false},
		"zeros":                     {make([]byte, 1000), false},
		"a box that never ends":     {append(box("ftyp", nil), huge...), false},
		"a box to the end":          {append([]byte{0, 0, 0, 0}, "moov\x00\x00\x00\x0cmvexabcd"...), true},
		"a large box":               {append([]byte{0, 0, 0, 1}, "moov\x00\x00\x00\x00\x00\x00\x00\x1c\x00\x00\x00\x0cmvexabcd"...), true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := recorder.IsFragmented(write(t, c.content, t.TempDir(), "a.mp4"))
			if err != nil || got != c.want {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
	if _, err := recorder.IsFragmented(filepath.Join(dir, "none")); err == nil {
		t.Error("no error for a file that is not there")
	}
}

// box makes a box.
func box(typ string, content []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(content)))
	return append(append(b, typ...), content...)
}

// What a broken file says of its boxes must not lead out of it, nor on for ever.
func FuzzFindBox(f *testing.F) {
	f.Add(append(box("ftyp", []byte("isom")), box("moov", box("mvex", nil))...), int64(0))
	f.Add([]byte("\x00\x00\x00\x01moov\x7f\xff\xff\xff\xff\xff\xff\xff"), int64(0))
	f.Add([]byte("........\x00\x00\x00\x01moov\x7f\xff\xff\xff\xff\xff\xff\xff"), int64(8))
	f.Add([]byte("\x00\x00\x00\x01moov\xff\xff\xff\xff\xff\xff\xff\xff"), int64(0))
	f.Add([]byte("\x00\x00\x00\x00moov"), int64(0))
	f.Fuzz(func(t *testing.T, data []byte, at int64) {
		if at < 0 || at > int64(len(data)) {
			return
		}
		content, size := recorder.FindBox(bytes.NewReader(data), at, int64(len(data)), "moov")
		if size == 0 {
			return
		}
		if size < 0 || content < at+8 || content > int64(len(data)) || size > int64(len(data))-content {
			t.Fatalf("box of %d bytes at %d in a file of %d", size, content, len(data))
		}
		if !bytes.Contains(data[at:content], []byte("moov")) {
			t.Fatalf("no box of that type before %d", content)
		}
	})
}
