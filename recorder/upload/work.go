package upload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/restreamd/restreamd/relay/process"
)

// work tries to upload a recording and keeps the books.
func (u *Uploader) work(ctx context.Context, i *item, to Target) {
	before, stored := u.sent(i)
	kept, err := u.deliver(ctx, i, to, stored)
	switch {
	case err == nil:
		u.done(i, kept)
	case ctx.Err() != nil:
		u.change(func() { i.become(Waiting) })
	default:
		after, _ := u.sent(i)
		u.fail(i, err, after > before)
	}
}

// sent is how much of a recording the store is known to have, and whether it proved to have all.
func (u *Uploader) sent(i *item) (bytes int64, stored bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if i.Upload == nil || !i.Upload.whole() {
		return 0, i.Stored
	}
	return i.Upload.sent(), i.Stored
}

// become is called with the Uploader's lock held.
func (i *item) become(s State) {
	if i.status.State != s {
		i.status.State, i.status.Since = s, time.Now().UTC()
	}
}

func (u *Uploader) change(change func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change()
}

// deliver brings a recording and what stands beside it to the store, and removes them here if that is wished. kept says
// why they are not.
func (u *Uploader) deliver(ctx context.Context, i *item, target Target, stored bool) (kept string, err error) {
	stall := u.Stall
	if stall <= 0 {
		stall = defaultStall
	}
	s, err := open(target, stall)
	if err != nil {
		return "", err
	}
	defer s.close()
	u.change(func() {
		i.become(Uploading)
		i.status.Target = target.place(i.name()).String()
	})
	if !stored {
		if err := u.recording(ctx, s, target, i); err != nil {
			return "", err
		}
	}
	beside, err := u.beside(ctx, s, target, i)
	if err != nil || !target.DeleteAfter {
		return "", err
	}
	return u.remove(i, beside)
}

// recording uploads the recording itself.
func (u *Uploader) recording(ctx context.Context, s *store, target Target, i *item) error {
	path := filepath.Join(u.Dir, i.File)
	t := &transfer{
		store: s, path: path, at: target.place(i.name()), wished: target.PartSize,
		verifying: func() { u.change(func() { i.become(Verifying) }) },
		keep: func(p *progress) {
			u.change(func() {
				if i.Upload, i.status.Sent = p.copy(), 0; p != nil {
					i.status.Sent = p.sent()
				}
			})
			u.note(i)
		},
		moved: func(n int) {
			u.change(func() {
				i.status.Sent += int64(n)
				i.status.Class, i.status.Reason = "", "" // what was wrong is over: it takes bytes
				u.totals.Sent += int64(n)
			})
		},
	}
	was, err := t.run(ctx, i.Upload.copy())
	if err != nil {
		if errors.Is(err, errGone) && i.Upload != nil && i.Upload.Place == t.at {
			s.abort(ctx, t.at.Object, i.Upload.ID)
		}
		return err
	}
	u.change(func() {
		i.Stored = true
		i.Upload = &progress{Place: t.at, File: was} // how it was sent is of no more use
		i.status.Sent = was.Size
	})
	u.note(i)
	return nil
}

// beside uploads the sidecar, if there is one, and returns it as it was. It is small: what was begun is not gone on with.
func (u *Uploader) beside(ctx context.Context, s *store, target Target, i *item) (imprint, error) {
	t := &transfer{
		store: s, path: filepath.Join(u.Dir, sidecar(i.File)), at: target.place(sidecar(i.name())), wished: target.PartSize,
		verifying: func() {}, keep: func(*progress) {}, moved: func(int) {},
	}
	was, err := t.run(ctx, nil)
	if errors.Is(err, errGone) {
		return imprint{}, nil
	}
	return was, err
}

// remove removes what the store has, unless it is not what was finished, or not what was sent.
func (u *Uploader) remove(i *item, beside imprint) (kept string, err error) {
	path := filepath.Join(u.Dir, i.File)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist): // an earlier run was ended between this and the rest
	case err != nil:
		return "", local(err)
	default:
		now := imprintOf(info)
		u.mu.Lock()
		same := now.is(i.Finished) && now.is(i.Upload.File)
		u.mu.Unlock()
		if !same {
			return "kept here: it changed after it was finished", nil
		}
		if err := os.Remove(path); err != nil {
			return "", local(err)
		}
	}
	if info, err := os.Stat(sidecar(path)); err == nil && imprintOf(info).is(beside) {
		if err := os.Remove(sidecar(path)); err != nil {
			return "", local(err)
		}
	}
	return "", nil
}

// note writes down how far a recording is. Should that fail, a restart begins it again; nothing is lost.
func (u *Uploader) note(i *item) {
	if err := u.save(i); err != nil {
		u.Trouble(err)
	}
}

// done takes a recording out of the queue.
func (u *Uploader) done(i *item, kept string) {
	u.leave(i, func(s *Status) {
		s.Class, s.Reason, s.Sent = "", kept, s.Total
		if kept != "" {
			s.Class = File
		}
		i.become(Done)
		u.totals.Done++
		delete(u.streams, i.Stream)
	})
}

// fail says when a recording is tried again. Trouble with its store is trouble for all recordings that go there: they
// wait together, and the next to be tried is another, so that none of them holds up the rest for ever.
func (u *Uploader) fail(i *item, err error, moved bool) {
	class, reason := classify(err)
	if errors.Is(err, errGone) {
		u.leave(i, func(s *Status) {
			i.become(Off)
			s.Class, s.Reason = File, "it was removed here before it was uploaded"
		})
		return
	}
	now := time.Now().UTC()
	u.mu.Lock()
	t := u.streams[i.Stream]
	if t == nil {
		t = &trouble{backoff: process.Backoff{Min: firstWait, Max: longestWait, Healthy: time.Nanosecond}}
		u.streams[i.Stream] = t
	}
	var ran time.Duration // of a try that got on, as of a child that ran: the next failure is the first again
	if moved {
		ran = time.Minute
	}
	if class == File {
		i.next = now.Add(i.backoff.Next(ran))
	} else {
		t.until = now.Add(t.backoff.Next(ran))
	}
	i.become(Retrying)
	i.status.Tries++
	i.status.Class, i.status.Reason = class, reason
	if i.Upload != nil && i.Upload.whole() {
		i.status.Sent = i.Upload.sent() // what was on its way is not there
	}
	u.totals.Failures++
	at := slices.Index(u.queue, i)
	u.queue = append(slices.Delete(u.queue, at, at+1), i)
	news := t.told != class
	t.told = class
	status := i.status
	status.NextTry = new(u.due(i).UTC())
	u.mu.Unlock()
	if news {
		u.See(status)
	}
}

// leave takes a recording out of the queue for good, and tells.
func (u *Uploader) leave(i *item, change func(*Status)) {
	if err := u.shelf().remove(i.File); err != nil {
		u.Trouble(err)
	}
	u.mu.Lock()
	change(&i.status)
	u.queue = slices.DeleteFunc(u.queue, func(other *item) bool { return other == i })
	u.gone = append([]Status{i.status}, u.gone[:min(len(u.gone), recent-1)]...)
	status := i.status
	u.mu.Unlock()
	u.See(status)
}

// copy lets one be changed while the other is written down.
func (p *progress) copy() *progress {
	if p == nil {
		return nil
	}
	c := *p
	c.MD5, c.ETag = slices.Clone(p.MD5), slices.Clone(p.ETag)
	return &c
}
