package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sys/unix"
)

// transfer is a file on its way to a store.
type transfer struct {
	store  *store
	path   string // here
	at     place
	wished int64 // bytes of a part

	verifying func()
	keep      func(*progress) // takes what is to be gone on with after an end of any kind; nil: nothing
	moved     func(int)       // bytes sent
}

// run brings the file to the store and sees that it is there. It goes on with what was begun, if there is anything and
// it still is of this file and place. It returns the file as it was.
func (t *transfer) run(ctx context.Context, begun *progress) (imprint, error) {
	f, err := os.Open(t.path)
	if err != nil {
		return imprint{}, local(err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return imprint{}, local(err)
	}
	now := imprintOf(info)
	p, stored, err := t.resume(ctx, f, now, begun)
	if err != nil || stored {
		return now, err
	}
	if p == nil {
		if p, err = t.begin(ctx, now); err != nil {
			return now, err
		}
	}
	for part := range p.parts() {
		if p.ETag[part] != "" {
			continue
		}
		if err := t.send(ctx, f, p, part); err != nil {
			return now, err
		}
		t.keep(p)
	}
	if err := t.unchanged(now); err != nil {
		t.drop(ctx, p)
		return now, err
	}
	return now, t.finish(ctx, p)
}

// unchanged looks at the path: a file that is open keeps its content when another takes its place.
func (t *transfer) unchanged(before imprint) error {
	info, err := os.Stat(t.path)
	if err != nil {
		return local(err)
	}
	if !imprintOf(info).is(before) {
		return errChanged
	}
	return nil
}

func (t *transfer) begin(ctx context.Context, now imprint) (*progress, error) {
	p := newProgress(t.at, now, t.wished)
	id, err := t.store.begin(ctx, t.at.Object, mimeOf(t.path))
	if err != nil {
		return nil, err
	}
	p.ID = id
	t.keep(p)
	return p, nil
}

// resume finds out what the store has of an upload that was begun. nil: there is nothing to go on with. stored: there is
// nothing left to do.
func (t *transfer) resume(ctx context.Context, f *os.File, now imprint, p *progress) (_ *progress, stored bool, err error) {
	switch {
	case p == nil || !p.whole():
		return nil, false, nil
	case p.Place.Endpoint != t.at.Endpoint || p.Place.Bucket != t.at.Bucket:
		return nil, false, nil // these keys are none of the other place's
	case p.Place != t.at || !now.is(p.File):
		t.drop(ctx, p)
		return nil, false, nil
	}
	listed, err := t.store.parts(ctx, t.at.Object, p.ID)
	if errors.Is(err, errNoUpload) {
		stored, err = t.completed(ctx, p)
		return nil, stored, err
	}
	if err != nil {
		return nil, false, err
	}
	for part := range p.parts() {
		has, err := t.has(f, p, part, listed[part+1])
		if err != nil {
			return nil, false, err
		}
		p.ETag[part] = ""
		if has {
			p.ETag[part] = listed[part+1].ETag
		}
	}
	t.keep(p)
	return p, false, nil
}

// completed reports whether an upload the store knows no more was brought to its end, and only the answer was lost.
func (t *transfer) completed(ctx context.Context, p *progress) (bool, error) {
	if p.sent() != p.File.Size {
		return false, nil
	}
	t.verifying()
	err := t.store.holds(ctx, p, func(int) {})
	said, _ := errors.AsType[minio.ErrorResponse](err)
	if said.Code == "NoSuchKey" || errors.Is(err, errCorrupt) {
		return false, nil
	}
	return err == nil, err
}

// has reports whether a part that the store lists is this one: by what the store called it when it took it or, if its
// answer was lost, by its digest.
func (t *transfer) has(f *os.File, p *progress, part int, listed minio.ObjectPart) (bool, error) {
	offset, length := p.span(part)
	if listed.Size != length || listed.ETag == "" {
		return false, nil
	}
	if sameTag(listed.ETag, p.ETag[part]) {
		return true, nil
	}
	d, err := t.digest(f, p, part)
	if err != nil {
		return false, err
	}
	leave(f, offset, length)
	return sameTag(listed.ETag, d.hex()), nil
}

// digest reads a part and remembers what its digest is.
func (t *transfer) digest(f *os.File, p *progress, part int) (digests, error) {
	offset, length := p.span(part)
	d, err := digest(io.NewSectionReader(f, offset, length))
	switch {
	case err != nil:
		return d, local(err)
	case d.size != length:
		return d, errChanged
	}
	p.MD5[part] = d.hex()
	return d, nil
}

func (t *transfer) send(ctx context.Context, f *os.File, p *progress, part int) error {
	d, err := t.digest(f, p, part)
	if err != nil {
		return err
	}
	offset, length := p.span(part)
	defer leave(f, offset, length)
	tag, err := t.store.put(ctx, t.at.Object, p.ID, part+1, io.NewSectionReader(f, offset, length), d, t.moved)
	if changed := t.unchanged(p.File); err != nil && changed != nil {
		return changed // and cut short
	}
	if err != nil {
		return err
	}
	if tag == "" {
		return fmt.Errorf("send part %d: the store did not say what it took", part+1)
	}
	p.ETag[part] = tag
	return nil
}

// finish has the store put the parts together, and sees that they are the file.
func (t *transfer) finish(ctx context.Context, p *progress) error {
	t.verifying()
	if err := t.store.complete(ctx, t.at.Object, p.ID, p.ETag); err != nil {
		said, _ := errors.AsType[minio.ErrorResponse](err)
		switch said.Code {
		case "InvalidPart", "InvalidPartOrder", "EntityTooSmall":
			t.drop(ctx, p) // trying again would not help
		}
		return err
	}
	err := t.store.holds(ctx, p, func(int) {})
	if errors.Is(err, errCorrupt) {
		t.keep(nil)
	}
	return err
}

// drop gives up what was begun.
func (t *transfer) drop(ctx context.Context, p *progress) {
	t.store.abort(ctx, p.Place.Object, p.ID)
	t.keep(nil)
}

// leave takes a part out of the page cache, where it would push out what is on air. It is advice: nothing fails.
func leave(f *os.File, offset, length int64) {
	_ = unix.Fadvise(int(f.Fd()), offset, length, unix.FADV_DONTNEED)
}

// mimeOf tells browsers that play from the bucket what a file is. The system's own table differs between machines.
func mimeOf(path string) string {
	switch filepath.Ext(path) {
	case ".mp4":
		return "video/mp4"
	case ".mkv":
		return "video/x-matroska"
	case ".ts":
		return "video/mp2t"
	case ".json":
		return "application/json"
	}
	return "application/octet-stream"
}
