package recorder

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/restreamd/restreamd/relay/naming"
)

// home is where a finished file belongs: its name below the folder of recordings. No name leads out of that folder, be it
// by a symbolic link, and nothing that is there is overwritten.
type home struct {
	dir     string // of all recordings
	stream  string
	session time.Time
	number  int // of the file in its session
	ending  string
	name    naming.Template
}

// maxSame is how many files may want the same name.
const maxSame = 10_000

// place is a name below an open folder.
type place struct {
	root *os.Root
	name string // of the file in it
	// odd is why it is not the name that was wished for; nil if it is.
	odd error
}

// claim gives a file its name besides the one it has. A name that it has already is found again. Where the wished name
// cannot be given, the file gets its usual one.
func (h home) claim(file string) (*place, error) {
	p, err := h.claimAs(file, h.name)
	if err == nil {
		return p, nil
	}
	usual, failed := h.claimAs(file, naming.Template{})
	if failed != nil {
		return nil, err
	}
	usual.odd = err
	return usual, nil
}

func (h home) claimAs(file string, t naming.Template) (*place, error) {
	dir, name := h.dir, t.Name(h.stream, h.session, h.number)
	if path.Dir(name) == h.stream {
		// The stream's own folder may be a link to another disk, made by who runs this.
		dir, name = filepath.Join(dir, h.stream), path.Base(name)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("name the finished file: %w", err)
	}
	p := &place{root: root}
	if p.name, err = p.link(file, name, h.ending); err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("name the finished file: %w", err)
	}
	return p, nil
}

// link gives a file the first name that is free, or that it has.
func (p *place) link(file, name, ending string) (string, error) {
	from, err := filepath.Rel(p.root.Name(), file)
	if err != nil {
		return "", err
	}
	if err := p.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return "", err
	}
	own, err := p.root.Lstat(from)
	if err != nil {
		return "", err
	}
	for n := 1; n <= maxSame; n++ {
		free := name + ending
		if n > 1 {
			free = fmt.Sprintf("%s-%d%s", name, n, ending)
		}
		is, err := p.root.Lstat(free)
		switch {
		case err == nil && os.SameFile(is, own):
			return free, nil
		case err == nil:
			continue
		case !errors.Is(err, os.ErrNotExist):
			return "", err
		}
		if _, err := p.root.Lstat(free + sidecarExtension); err == nil {
			continue
		}
		err = p.root.Link(from, free)
		if unlinkable(err) {
			err = p.root.Rename(from, free) // it was free a moment ago, and nobody else gives such names
		}
		if !errors.Is(err, os.ErrExist) {
			return free, err
		}
	}
	return "", fmt.Errorf("%d files have that name: put {start} into record.name in restreamd.yml", maxSame)
}

// unlinkable reports whether a file system has no second names of files: FAT and some network disks.
func unlinkable(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS)
}

// path is the name for people and other programs.
func (p *place) path() string { return filepath.Join(p.root.Name(), p.name) }

// sync makes the name last, and the folders on the way to it.
func (p *place) sync() error {
	for dir := path.Dir(p.name); ; dir = path.Dir(dir) {
		f, err := p.root.Open(dir)
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil || dir == "." {
			return err
		}
	}
}

// tell puts a sidecar beside the file, all of it or nothing. draft is a free name that is nobody's.
func (p *place) tell(s Sidecar, draft string) error {
	text, err := s.text(p.name)
	if err != nil {
		return fmt.Errorf("write sidecar: %w", err)
	}
	from, err := filepath.Rel(p.root.Name(), draft)
	if err == nil {
		err = os.WriteFile(draft, text, 0o644)
	}
	if err == nil {
		err = syncFile(draft)
	}
	if err == nil {
		err = p.root.Rename(from, p.name+sidecarExtension)
	}
	if err != nil {
		_ = os.Remove(draft)
		return fmt.Errorf("write sidecar: %w", err)
	}
	return nil
}

func (p *place) close() error { return p.root.Close() }
