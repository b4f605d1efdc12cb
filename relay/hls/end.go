package hls

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const endList = "#EXT-X-ENDLIST\n"

// End writes the end of a session's playlist (RFC 8216 section 4.3.3.4): players stop instead of waiting. No child may
// be writing it. A session without a playlist, or with an ended one, is left alone.
func (r Recipe) End(stream string, session time.Time) error {
	return endPlaylist(filepath.Join(r.Dir, stream, session.UTC().Format(stamp), playlist))
}

func endPlaylist(name string) error {
	old, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end playlist: %w", err)
	}
	if bytes.HasSuffix(old, []byte(endList)) {
		return nil
	}
	tmp := name + ".end"
	if err := os.WriteFile(tmp, append(old, endList...), 0o644); err != nil {
		return fmt.Errorf("end playlist: %w", err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return fmt.Errorf("end playlist: %w", err)
	}
	return nil
}
