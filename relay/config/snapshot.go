package config

import (
	"cmp"
	"errors"
	"slices"
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
	return (&folder{dir: dir, known: known}).load()
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
