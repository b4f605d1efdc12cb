package recorder

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// A box header's size and the large form's (ISO/IEC 14496-12 section 4.2).
const (
	boxHeader      = 8
	largeBoxHeader = 16
)

// isFragmented reports whether an MP4 file has its media in fragments: its moov box holds an mvex box (ISO/IEC
// 14496-12 section 8.8.1). A file that ends before its moov box has nothing to play and is not.
func isFragmented(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, fmt.Errorf("look into recording: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("look into recording: %w", err)
	}
	moov, size := findBox(f, 0, info.Size(), "moov")
	if size == 0 {
		return false, nil
	}
	_, size = findBox(f, moov, moov+size, "mvex")
	return size > 0, nil
}

// findBox returns where the content of the first box of that type between two offsets begins, and its size.
func findBox(r io.ReaderAt, at, end int64, typ string) (content, size int64) {
	var h [largeBoxHeader]byte
	for end-at >= boxHeader {
		if _, err := r.ReadAt(h[:boxHeader], at); err != nil {
			return 0, 0
		}
		header, size := int64(boxHeader), int64(binary.BigEndian.Uint32(h[:]))
		switch size {
		case 0: // to the end of the file
			size = end - at
		case 1:
			if _, err := r.ReadAt(h[:], at); err != nil {
				return 0, 0
			}
			header, size = largeBoxHeader, int64(binary.BigEndian.Uint64(h[boxHeader:]))
		}
		if size < header || size > end-at {
			return 0, 0
		}
		if string(h[4:8]) == typ {
			return at + header, size - header
		}
		at += size
	}
	return 0, 0
}
