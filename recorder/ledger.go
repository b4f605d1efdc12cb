package recorder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// Marks lists where fragments end that are whole in a file which is being written, behind a mark. It reads what is new
// there, and the file's head.
func (Recipe) Marks(file string, behind ffmpeg.Mark) ([]ffmpeg.Mark, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look into recording: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("look into recording: %w", err)
	}
	x := index{size: info.Size()}
	marks, err := x.marks(f, behind)
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", info.Name(), err)
	}
	return marks, nil
}

// marks reads the fragments behind a mark.
func (x *index) marks(f *os.File, mark ffmpeg.Mark) (all []ffmpeg.Mark, err error) {
	moov, found := findBox(f, 0, x.size, "moov")
	if !found {
		return nil, nil
	}
	head, err := readContent(f, moov, maxIndex)
	if err != nil {
		return nil, err
	}
	x.movie(head)
	err = x.whole(f, max(mark.Offset, moov.end), func(_ []byte, _, end int64) {
		mark.Offset = end
		for _, t := range x.tracks {
			t.count(&mark)
		}
		all = append(all, mark)
	})
	return all, err
}

// whole reads the fragments from an offset on, up to the first that is not whole, and tells of each: its moof box, and where
// it begins and ends.
func (x *index) whole(f io.ReaderAt, at int64, see func(moof []byte, begin, end int64)) error {
	for b := range boxes(f, at, x.size) {
		if b.typ != "moof" {
			continue
		}
		media, ok := readBox(f, b.end, x.size)
		if b.torn || !ok || media.torn || media.typ != "mdat" {
			return nil
		}
		body, err := readContent(f, b, maxFragment)
		if err != nil {
			return err
		}
		x.fragment(body, b.at, false)
		see(body, b.at, media.end)
	}
	return nil
}

// count adds the track's packets to a mark, and forgets them.
func (t *track) count(m *ffmpeg.Mark) {
	tally := &m.Audio
	if t.isVideo() {
		tally = &m.Video
	}
	for _, n := range t.sizes {
		tally.Packets++
		tally.Bytes += int64(n)
	}
	t.sizes = t.sizes[:0]
}

// Cut ends a file at a mark. It stays as old as what is left of it.
func (Recipe) Cut(file string, at ffmpeg.Mark) error {
	if at.Offset == 0 {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	before, err := readIndex(file)
	if err != nil {
		return err
	}
	if err := os.Truncate(file, at.Offset); err != nil {
		return fmt.Errorf("cut recording: %w", err)
	}
	after, err := readIndex(file)
	if err != nil {
		return err
	}
	end := before.end.Add(min(after.duration()-before.duration(), 0))
	return os.Chtimes(file, time.Time{}, end)
}
