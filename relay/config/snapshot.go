package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Snapshot is the whole of destinations.d at one moment.
type Snapshot struct {
	Destinations []Destination // sorted by name
	Problems     []Problem     // sorted by destination
}

// Problem is a destination that could not be read.
type Problem struct {
	Destination string // its name; "" when the folder itself could not be read
	Err         error  // with file and line
	Kept        bool   // the last good version stays in use
}

func (s Snapshot) equal(other Snapshot) bool {
	return slices.EqualFunc(s.Destinations, other.Destinations, Destination.equal) &&
		slices.EqualFunc(s.Problems, other.Problems, Problem.equal)
}

func (p Problem) equal(other Problem) bool {
	return p.Destination == other.Destination && p.Kept == other.Kept && p.Err.Error() == other.Err.Error()
}

func (s Snapshot) find(name string) (Destination, bool) {
	i := slices.IndexFunc(s.Destinations, func(d Destination) bool { return d.Name == name })
	if i < 0 {
		return Destination{}, false
	}
	return s.Destinations[i], true
}

func (s Snapshot) hasProblem(name string) bool {
	return slices.ContainsFunc(s.Problems, func(p Problem) bool { return p.Destination == name })
}

func (s *Snapshot) sort() {
	slices.SortFunc(s.Destinations, func(a, b Destination) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Problems, func(a, b Problem) int { return cmp.Compare(a.Destination, b.Destination) })
}

// LoadDir reads every destination in dir: the files *.yml and *.yaml that are not hidden. Nothing is kept from an earlier
// call.
func LoadDir(dir string, known Known) Snapshot {
	var s Snapshot
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.Problems = []Problem{{Err: fmt.Errorf("read the destinations: %w (create the folder; empty means none)", err)}}
		return s
	}
	files := map[string]string{} // by destination
	for _, entry := range entries {
		name, found := destinationName(entry.Name())
		if !found {
			continue
		}
		file := filepath.Join(dir, entry.Name())
		if first, twice := files[name]; twice {
			s.drop(name, &Error{File: file, Problem: "the same name as " + filepath.Base(first), Hint: "keep one of the two"})
			continue
		}
		files[name] = file
		s.load(name, file, known)
	}
	s.sort()
	return s
}

func (s *Snapshot) load(name, file string, known Known) {
	if !validName.MatchString(name) {
		s.drop(name, &Error{File: file, Problem: "the name of the file cannot name a destination", Hint: nameHint + " before .yml"})
		return
	}
	data, err := readText(file)
	if err != nil && isGone(file) {
		return
	}
	if err != nil {
		s.drop(name, &Error{File: file, Problem: "cannot be read: " + reason(err)})
		return
	}
	d, err := DecodeDestination(file, data, known)
	if err != nil {
		s.drop(name, err)
		return
	}
	s.Destinations = append(s.Destinations, d)
}

// drop replaces the destination, if it is there, by a problem.
func (s *Snapshot) drop(name string, err error) {
	s.Destinations = slices.DeleteFunc(s.Destinations, func(d Destination) bool { return d.Name == name })
	for i, p := range s.Problems {
		if p.Destination == name {
			s.Problems[i].Err = errors.Join(p.Err, err)
			return
		}
	}
	s.Problems = append(s.Problems, Problem{Destination: name, Err: err})
}

// destinationName returns the stem of a file that is meant as a destination. Editors' backups, swap and lock files and
// the examples have other endings or begin with a dot.
func destinationName(file string) (name string, found bool) {
	ext := filepath.Ext(file)
	if ext != ".yml" && ext != ".yaml" || strings.HasPrefix(file, ".") {
		return "", false
	}
	return strings.TrimSuffix(file, ext), true
}

// isGone tells a file that was removed while the folder was read from a symlink that leads nowhere.
func isGone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}
