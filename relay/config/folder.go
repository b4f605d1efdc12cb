package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// folder reads the destinations of dir, as often as wished. It decodes only what changed since the last time: a large
// file takes 0.5 s.
type folder struct {
	dir   string
	known Known
	last  map[string]decoded // by file
}

// decoded is what became of a file.
type decoded struct {
	text        [sha256.Size]byte // a digest: the text may hold a key
	around      surroundings
	destination Destination
	err         error
}

func (f *folder) load() Snapshot {
	var s Snapshot
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		s.Problems = []Problem{{Err: fmt.Errorf("read the destinations: %w (create the folder; empty means none)", err)}}
		return s
	}
	files := map[string]string{} // by destination
	now := map[string]decoded{}
	for _, entry := range entries {
		name, found := destinationName(entry.Name())
		if !found {
			continue
		}
		file := filepath.Join(f.dir, entry.Name())
		if first, twice := files[name]; twice {
			s.drop(name, &Error{File: file, Problem: "the same name as " + filepath.Base(first), Hint: "keep one of the two"})
			continue
		}
		files[name] = file
		switch d, found, err := f.loadFile(name, file, now); {
		case err != nil:
			s.drop(name, err)
		case found:
			s.Destinations = append(s.Destinations, d)
		}
	}
	f.last = now
	s.sort()
	return s
}

// loadFile reads one file and keeps in now what became of it. A file that was removed meanwhile is not found.
func (f *folder) loadFile(name, file string, now map[string]decoded) (d Destination, found bool, err error) {
	if !validName.MatchString(name) {
		return d, false, &Error{File: file, Problem: "the name of the file cannot name a destination", Hint: nameHint + " before .yml"}
	}
	data, err := readText(file)
	if err != nil && isGone(file) {
		return d, false, nil
	}
	if err != nil {
		return d, false, &Error{File: file, Problem: "cannot be read: " + reason(err)}
	}
	result, known := f.last[file]
	if !known || result.text != digest(data, nil) || !result.around.same() {
		doc := &document{file: file}
		result = decoded{text: digest(data, nil)}
		result.destination, result.err = decodeDestination(doc, data, f.known)
		result.around = doc.around
	}
	now[file] = result
	return result.destination, true, result.err
}

// destinationName returns the stem of a file that is meant as a destination. Editors' backups, swap and lock files and
// the examples have other endings or begin with a dot. A name that could not be printed is made one that can be, which
// names no destination either.
func destinationName(file string) (name string, found bool) {
	ext := filepath.Ext(file)
	if ext != ".yml" && ext != ".yaml" || strings.HasPrefix(file, ".") {
		return "", false
	}
	return visible(strings.TrimSuffix(file, ext)), true
}

// isGone tells a file that was removed while the folder was read from a symlink that leads nowhere.
func isGone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}
