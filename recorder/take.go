package recorder

import (
	"os"
	"path/filepath"
	"slices"
)

// take is the recording of one session, or what was there of it at some moment: files that are added later are another
// take's business. One part follows the other.
type take struct {
	base  string // path without number and extension
	parts []int  // numbers of its files
	begun []joining
}

// joining is a file that holds all of some parts, whole and on disk, and has not come to its place yet.
type joining struct {
	first, last int
	container   Container
}

// stream is the name of its stream: that of its folder.
func (t *take) stream() string { return filepath.Base(filepath.Dir(t.base)) }

// last is the highest number in use.
func (t *take) last() int {
	last := 0
	for _, j := range t.begun {
		last = max(last, j.last)
	}
	return max(last, slices.Max(append(t.parts, 0)))
}

// takesIn lists the takes in a stream's folder by their base, and what a finisher that was killed left behind.
func takesIn(folder string) (takes map[string]*take, leftovers []string, err error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil, err
	}
	takes = map[string]*take{}
	of := func(name string) *take {
		base := filepath.Join(folder, name)
		if takes[base] == nil {
			takes[base] = &take{base: base}
		}
		return takes[base]
	}
	for _, f := range files {
		if base, number, ok := parsePart(f.Name()); ok {
			t := of(base)
			t.parts = append(t.parts, number)
		} else if base, j, ok := parseJoined(f.Name()); ok {
			t := of(base)
			t.begun = append(t.begun, j)
		} else if isLeftover(f.Name()) {
			leftovers = append(leftovers, filepath.Join(folder, f.Name()))
		}
	}
	for _, t := range takes {
		slices.Sort(t.parts)
	}
	return takes, leftovers, nil
}
