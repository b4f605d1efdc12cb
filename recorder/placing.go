package recorder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// placing puts a file that holds some parts of a take, and is whole, in their place:
//
//	parts 1, 2, 3 and 1.mp4.tmp          it is made
//	parts 1, 2, 3 and part1-3.mkv.joined its name says that it is whole and on disk, and what it holds
//	part1-3.mkv.joined                   the parts are gone
//	part1-3.mkv.joined and its own name  two names of one file
//	its own name                         it was reported, its sidecar is there
//
// After each step everything recorded is in the parts or in the joined file, and by its name that says whether it is in
// both. Whoever names a new part meanwhile takes the numbers of the joined ones for taken. A file is reported before its
// second name goes: one that was placed is reported at least once, whatever kills the relay.
type placing struct {
	base string // of the take
	joining
	home    home     // where it belongs
	sidecar *Sidecar // what is told of it; nil where that is not known any more

	// placed is called when it has its name, and its sidecar if that could be written.
	placed func(at *place, err error)
	at     *place
}

func (p *placing) joined() string { return joinedName(p.base, p.first, p.last, p.container) }

// commit is the steps for a file that was just made.
func (p *placing) commit(tmp string) []func() error {
	return append([]func() error{
		func() error { return syncFile(tmp) },
		func() error { return os.Rename(tmp, p.joined()) },
		p.sync,
	}, p.replace()...)
}

// replace is what remains to be done once the joined file has that name.
func (p *placing) replace() []func() error {
	var steps []func() error
	for number := p.last; number >= p.first; number-- {
		steps = append(steps, func() error { return p.remove(partName(p.base, number)) })
	}
	return append(steps,
		p.sync, // a power cut must not bring parts back when their joined file has its own name
		func() (err error) { p.at, err = p.home.claim(p.joined()); return err },
		func() error { return p.at.sync() },
		p.tell,
		func() error { return errors.Join(p.at.close(), gone(os.Remove(p.joined()))) },
		p.sync,
	)
}

// remove removes a part, and what stands beside one that was finished before, unless it is the joined file's other name.
func (p *placing) remove(part string) error {
	if sameFile(part, p.joined()) {
		return nil
	}
	return errors.Join(gone(os.Remove(part)), gone(os.Remove(part+sidecarExtension)))
}

func (p *placing) tell() (err error) {
	if p.sidecar != nil {
		err = p.at.tell(*p.sidecar, partName(p.base, p.first)+sidecarExtension+temporary)
	}
	p.placed(p.at, err)
	return nil
}

// sync makes renamings and removals in the take's folder last.
func (p *placing) sync() error { return syncFolder(filepath.Dir(p.base)) }

func syncFolder(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func inOrder(steps []func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("put it in place: %w", err)
		}
	}
	return nil
}

// gone is the error of a removal. What was removed before is.
func gone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func sameFile(a, b string) bool {
	x, errA := os.Lstat(a)
	y, errB := os.Lstat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
