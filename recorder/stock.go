package recorder

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// maxSidecar is how much of a sidecar is read, in bytes. They have some kB.
const maxSidecar = 1 << 20

// holding is what there is on disk of one session's recording.
type holding struct {
	stream  string
	session string    // start of the session, as file names have it
	files   []string  // below the folder of all recordings; first those that tell whose the others are not
	bytes   int64     // of all files
	media   bool      // there is more than the black box
	end     time.Time // when the newest of its media was written; without media, of anything
	open    bool      // it must not be touched: the session is on, or somebody works on it
}

func (h *holding) start() time.Time {
	t, _ := time.Parse(stamp, h.session)
	return t
}

// stocktaking lists what there is in a folder of recordings.
type stocktaking struct {
	root *os.Root
	all  map[sessionID]*holding
}

// takeStock lists the recordings in a folder: files of the names that the recorder gives, and files elsewhere in it
// whose sidecar says of which session they are. Nothing else is anybody's. No link is followed.
func takeStock(root *os.Root) ([]*holding, error) {
	s := stocktaking{root: root, all: map[sessionID]*holding{}}
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil, !d.Type().IsRegular():
			return nil // a folder that vanished or must not be read keeps nothing else from being listed
		}
		s.see(name, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list recordings: %w", err)
	}
	var all []*holding
	for _, h := range s.all {
		slices.SortFunc(h.files, inRemoval)
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *holding) int {
		return strings.Compare(a.session+a.stream, b.session+b.stream)
	})
	return all, nil
}

// see counts a file, and one that it tells of.
//
// A sidecar knows best: a name of somebody's own may look like one that the recorder gives in another stream's folder.
func (s *stocktaking) see(name string, d fs.DirEntry) {
	finished, isSidecar := strings.CutSuffix(name, sidecarExtension)
	if isSidecar {
		if id, ok := s.readSidecar(name); ok {
			if info, err := s.root.Lstat(finished); err == nil && info.Mode().IsRegular() {
				s.add(id, finished, fs.FileInfoToDirEntry(info), true)
				s.add(id, name, d, false)
				return
			}
		}
	} else if _, ok := s.readSidecar(name + sidecarExtension); ok {
		return // it is counted with that
	}
	if id, media, ok := ownerOf(name); ok {
		s.add(id, name, d, media)
	}
}

func (s *stocktaking) add(id sessionID, name string, d fs.DirEntry, media bool) {
	info, err := d.Info()
	if err != nil {
		return // it is gone
	}
	h := s.all[id]
	if h == nil {
		h = &holding{stream: id.stream, session: id.start}
		s.all[id] = h
	}
	h.files = append(h.files, name)
	h.bytes += info.Size()
	newer := info.ModTime().After(h.end)
	if media && (newer || !h.media) || !h.media && newer {
		h.end = info.ModTime()
	}
	h.media = h.media || media
}

// readSidecar returns whose a file elsewhere is.
func (s *stocktaking) readSidecar(name string) (id sessionID, ok bool) {
	f, err := s.root.Open(name)
	if err != nil {
		return id, false
	}
	defer f.Close() //nolint:errcheck // only read
	var told struct {
		Stream  string    `json:"stream"`
		Session time.Time `json:"session"`
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSidecar))
	if err != nil || json.Unmarshal(text, &told) != nil || told.Stream == "" || told.Session.IsZero() {
		return id, false
	}
	return idOf(told.Stream, told.Session), true
}

// ownerOf returns the session that a file in a stream's folder is of by its name, and whether it is media.
func ownerOf(name string) (id sessionID, media, ok bool) {
	stream, file := path.Split(name)
	id.stream = strings.TrimSuffix(stream, "/")
	if id.stream == "" || strings.Contains(id.stream, "/") {
		return id, false, false
	}
	for _, beside := range []string{eventsExtension, summaryExtension, summaryExtension + temporary} {
		if base, found := strings.CutSuffix(file, beside); found {
			id.start = base
			return id, false, isStamp(base)
		}
	}
	whole, isSidecar := strings.CutSuffix(file, sidecarExtension)
	if base, _, isPart := parsePart(asPart(whole)); isPart {
		id.start = base
		return id, !isSidecar, true
	}
	if base, _, isJoined := parseJoined(file); isJoined {
		id.start = base
		return id, true, true
	}
	if isLeftover(file) {
		id.start = file[:len(stamp)]
		return id, true, true
	}
	return id, false, false
}

// asPart is the name that a finished file would have as a part: other containers have other extensions.
func asPart(name string) string {
	for _, other := range []string{".mkv", ".ts"} {
		if base, found := strings.CutSuffix(name, other); found {
			return base + extension
		}
	}
	return name
}

// inRemoval orders files so that, whatever stops their removal, what is left is known to be of the same session: media
// before the sidecars that tell whose it is.
func inRemoval(a, b string) int {
	last := func(name string) int {
		if strings.HasSuffix(name, sidecarExtension) {
			return 1
		}
		return 0
	}
	if n := last(a) - last(b); n != 0 {
		return n
	}
	return strings.Compare(a, b)
}
