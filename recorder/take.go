package recorder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// take is the recording of one session, or what was there of it at some moment: files that are added later are another
// take's business. One part follows the other.
type take struct {
	base  string // path without number and extension
	parts []int  // numbers of its files
	begun []int  // numbers of the last part of each joining that was not brought to its end
}

// last is the highest number in use.
func (t *take) last() int { return max(0, slices.Max(append(t.begun, append(t.parts, 0)...))) }

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
		} else if base, _, last, ok := parseJoined(f.Name()); ok {
			t := of(base)
			t.begun = append(t.begun, last)
		} else if isLeftover(f.Name()) {
			leftovers = append(leftovers, filepath.Join(folder, f.Name()))
		}
	}
	for _, t := range takes {
		slices.Sort(t.parts)
	}
	return takes, leftovers, nil
}

// settle brings to its end what a finisher that was killed had begun: the joined file takes the place of its parts.
func (t *take) settle() error {
	folder := filepath.Dir(t.base)
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		base, first, last, ok := parseJoined(f.Name())
		if !ok || filepath.Join(folder, base) != t.base {
			continue
		}
		if err := inOrder(t.replace(first, last)); err != nil {
			return fmt.Errorf("put %s in place: %w", f.Name(), err)
		}
	}
	return nil
}

// put puts a file that holds some parts, and is whole, in their place.
func (t *take) put(tmp string, first, last int) error {
	if err := inOrder(t.commit(tmp, first, last)); err != nil {
		return fmt.Errorf("put it in place: %w", err)
	}
	return nil
}

func inOrder(steps []func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// commit is the steps of that:
//
//	part 1, 2, 3, 1.mp4.tmp ─▶ 1, 2, 3, part1-3.mp4.joined ─▶ 1, part1-3.mp4.joined ─▶ 1
//
// After each of them everything recorded is in the parts or in the joined file, and by its name that says whether it is
// in both. The first part's name is the last to change hands, so the joined one is there as long as it is needed.
func (t *take) commit(tmp string, first, last int) []func() error {
	to := joinedName(t.base, first, last)
	if first == last {
		to = partName(t.base, first)
	}
	steps := []func() error{
		func() error { return syncFile(tmp) },
		func() error { return os.Rename(tmp, to) },
		t.sync,
	}
	if first == last {
		return steps
	}
	return append(steps, t.replace(first, last)...)
}

// replace is what remains to be done once the joined file has its name. Whoever names a new part meanwhile takes the
// numbers of the joined ones for taken.
func (t *take) replace(first, last int) []func() error {
	var steps []func() error
	for number := last; number > first; number-- {
		steps = append(steps, func() error {
			if err := os.Remove(partName(t.base, number)); !os.IsNotExist(err) {
				return err
			}
			return nil
		})
	}
	return append(steps,
		t.sync, // a power cut must not bring parts back when their joined file has its final name
		func() error { return os.Rename(joinedName(t.base, first, last), partName(t.base, first)) },
		t.sync,
	)
}

// sync makes renamings and removals in the take's folder last.
func (t *take) sync() error {
	dir, err := os.Open(filepath.Dir(t.base))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
