package output

import (
	"context"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

const (
	// batchEvery is how often a child is given what has come. A child's cost is its wake-ups (a copying push: 0.61 % of
	// a core tag by tag, 0.37 % in batches of 60 ms); platforms do not feel 100 ms.
	batchEvery = 100 * time.Millisecond
	// trackPatience is how long a new child waits for the second kind of track: encoders send the headers of audio and
	// video one after the other, and ffmpeg settles at once on the tracks it is told of.
	trackPatience = 300 * time.Millisecond
	// maxChildTime is when a child is replaced, at a keyframe: ffmpeg reads 31 bits of an FLV timestamp, 24.8 days.
	maxChildTime = 1<<31 - 1 - 3_600_000
)

// verdict says why a feed ended by itself.
type verdict int

const (
	fed        verdict = iota // it did not: it was stopped, or the child went away
	sessionEnd                // the session is over
	rollOver                  // the child's container cannot go on: the next child takes over at this packet
)

// packets is where a feed takes them from.
type packets interface {
	Read(ctx context.Context, buf []*relay.Packet) ([]*relay.Packet, error)
}

// feed carries one subscription to one child after the other. It belongs to the runner's goroutine, or to the child's
// Feed while there is a child.
type feed struct {
	sub     *relay.Subscription
	in      packets                                 // what is read: the subscription, or a spool behind it
	reads   func(kind relay.Kind, body []byte) bool // whether the children's ffmpeg reads a tag
	pending []*relay.Packet                         // read but not yet written
	spare   []*relay.Packet                         // memory for the next read
	inits   []*relay.Packet                         // newest init packet of each slot so far
	track   uint8                                   // the audio track to take
	over    bool                                    // the session is over
	end     error                                   // why

	filing
	leg
	unreadable atomic.Int64 // packets that were left out
}

// filing is what a feed of files remembers from child to child.
type filing struct {
	spool  *spool        // of an output that loses nothing; nil: it may
	keeps  *retained     // the same
	limit  time.Duration // of a file; 0: none
	opened int64         // DTS at which the file began, however many children it took
	goesOn bool          // the next child goes on with it
}

// leg is the part of the way that one child is fed.
type leg struct {
	roll    bool // the child cannot live through a change of header
	file    string
	begun   bool
	base    int64 // DTS of its first packet
	lastKey int64 // DTS of its newest keyframe
	verdict verdict
	w       tagWriter
	bytes   atomic.Int64 // written
	gop     atomic.Int64 // milliseconds between its two newest keyframes
	open    atomic.Int64 // milliseconds since the newest
}

// wait blocks until there is media and both kinds of track are known, or one has come alone for a while.
func (f *feed) wait(ctx context.Context) error {
	if err := f.media(ctx); err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, trackPatience)
	defer cancel()
	for {
		if audio, video := f.tracks(); audio && video {
			return nil
		}
		more, err := f.read(patience, nil)
		if err != nil {
			return context.Cause(ctx) // alone, or over: either way what is there can be fed
		}
		f.pending = append(f.pending, more...)
	}
}

// tracks reports what is known to come.
func (f *feed) tracks() (audio, video bool) {
	audio, video = relay.Tracks(f.inits)
	a, v := relay.Tracks(f.pending)
	return audio || a, video || v
}

// videoCodec is the FourCC of the main video track, "" where there is none or it is older than codec headers.
func (f *feed) videoCodec() (fourCC string) {
	for _, list := range [][]*relay.Packet{f.inits, f.pending} {
		for _, p := range list {
			if p.Slot == relay.HeaderSlot(relay.Video, 0) {
				fourCC, _ = flv.Codec(*p)
			}
		}
	}
	return fourCC
}

// begins is the time of the first packet of the next child, and whether that is a picture.
func (f *feed) begins() (at time.Duration, picture bool) {
	base, _ := relay.Base(f.pending)
	i := slices.IndexFunc(f.pending, func(p *relay.Packet) bool { return p.Slot == 0 && p.DTS == base })
	return time.Duration(base) * time.Millisecond, i >= 0 && f.pending[i].Kind == relay.Video
}

// media makes sure that media is pending. A child's clock starts with its first media packet, and one that got nothing
// but headers would fail: a change of header may be the last an encoder sends.
func (f *feed) media(ctx context.Context) error {
	if err := f.fill(ctx); err != nil {
		return err
	}
	for !slices.ContainsFunc(f.pending, func(p *relay.Packet) bool { return p.Slot == 0 }) {
		more, err := f.read(ctx, nil)
		if err != nil {
			return err
		}
		f.pending = append(f.pending, more...)
	}
	return nil
}

// fill makes sure something is pending.
func (f *feed) fill(ctx context.Context) error {
	for len(f.pending) == 0 {
		packets, err := f.read(ctx, f.spare)
		if err != nil {
			return err
		}
		f.pending, f.spare = packets, nil
	}
	return nil
}

// read takes what the subscription has and leaves out what ffmpeg would choke on: one tag of a kind it does not know,
// such as a second audio track, ends the whole job (measured with 5.1.9).
func (f *feed) read(ctx context.Context, buf []*relay.Packet) ([]*relay.Packet, error) {
	packets, err := f.in.Read(ctx, buf)
	if f.track > 0 {
		packets = f.pick(packets)
	}
	n := len(packets)
	packets = slices.DeleteFunc(packets, func(p *relay.Packet) bool { return !f.reads(p.Kind, p.Body) })
	f.unreadable.Add(int64(n - len(packets)))
	return packets, err
}

// pick leaves the wanted audio track, in the form of a main track.
func (f *feed) pick(packets []*relay.Packet) []*relay.Packet {
	kept := packets[:0]
	for _, p := range packets {
		if p, ok := flv.Pick(p, f.track); ok {
			kept = append(kept, p)
		}
	}
	clear(packets[len(kept):])
	return kept
}

// start prepares for a new child, and the file that a lossless one writes.
func (f *feed) start(roll bool, file string) {
	f.roll, f.begun, f.verdict, f.file = roll, false, fed, file
	f.bytes.Store(0)
}

// settle is for when the child is gone: what it did not bring to disk is for the next one. It reports whether there is any.
func (f *feed) settle() (owed bool, err error) {
	f.goesOn = f.verdict != rollOver
	if f.keeps == nil || !f.begun {
		return false, nil
	}
	_, video := f.tracks()
	again, err := f.keeps.settle(video, f.verdict != fed, f.pending)
	if len(again) == 0 {
		return false, err
	}
	f.pending, f.inits = append(again, f.pending...), f.keeps.inits
	f.over, f.goesOn = false, true
	return true, err
}

// run writes to one child until the session ends, the child goes away, or it has to be replaced.
func (f *feed) run(ctx context.Context, stdin *os.File) error {
	audio, video := f.tracks()
	f.w.reset(audio, video)
	timer := time.NewTimer(batchEvery)
	defer timer.Stop()
	for {
		if err := f.fill(ctx); err != nil {
			if ctx.Err() == nil {
				f.over, f.verdict, f.end = true, sessionEnd, err
			}
			return nil
		}
		timer.Reset(batchEvery)
		rest := f.encode()
		n, err := f.w.flush(stdin)
		f.bytes.Add(n)
		f.keep(rest) // what was not written is lost with the child, or retained
		if err != nil || f.verdict == rollOver {
			return err
		}
		f.look()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// encode frames what is pending for the present child, up to where it must be replaced, and returns what is left.
func (f *feed) encode() []*relay.Packet {
	if !f.begun {
		f.begin()
	}
	for i, p := range f.pending {
		if p.Slot != 0 {
			if f.ends(p) {
				f.verdict = rollOver
				return f.pending[i:]
			}
			f.remember(p)
		} else if p.Keyframe {
			if f.full(p.DTS) {
				f.verdict = rollOver
				return f.pending[i:]
			}
			f.gop.Store(p.DTS - f.lastKey)
			f.lastKey = p.DTS
		}
		if p.Slot == 0 {
			f.open.Store(p.DTS - f.lastKey)
		}
		f.w.add(p, max(p.DTS-f.base, 0))
		if f.keeps != nil && p.Slot == 0 {
			f.keeps.add(p)
		}
	}
	return nil
}

// full reports whether the present child's file is long enough.
func (f *feed) full(dts int64) bool {
	return dts-f.base > maxChildTime || f.limit > 0 && dts-f.opened >= f.limit.Milliseconds()
}

// look gives up what is safe. What cannot be found out now is found out when the child is gone.
func (f *feed) look() {
	if f.keeps != nil {
		_, video := f.tracks()
		_ = f.keeps.look(video)
	}
}

// begin starts the present child's clock and gives it the init packets. Those of a new subscription stand in front of
// the pending ones.
func (f *feed) begin() {
	f.begun = true
	f.base, _ = relay.Base(f.pending)
	f.lastKey = f.base
	lead := 0
	for lead < len(f.pending) && f.pending[lead].Slot != 0 {
		f.remember(f.pending[lead])
		lead++
	}
	f.pending = f.pending[lead:]
	for _, p := range f.inits {
		f.w.add(p, 0)
	}
	if !f.goesOn {
		f.opened = f.base
	}
	if f.keeps != nil {
		f.keeps.begin(f.file, f.inits)
	}
}

// ends reports whether the present child cannot go on past an init packet: a codec header its container cannot change,
// or a track it was not started with.
func (f *feed) ends(p *relay.Packet) bool {
	if !p.Slot.IsHeader() {
		return false
	}
	known := slices.ContainsFunc(f.inits, func(q *relay.Packet) bool { return q.Slot == p.Slot })
	return f.roll || !known
}

func (f *feed) remember(p *relay.Packet) {
	i := slices.IndexFunc(f.inits, func(q *relay.Packet) bool { return q.Slot == p.Slot })
	if i < 0 {
		f.inits = append(f.inits, p)
		return
	}
	f.inits[i] = p
}

// keep leaves rest for the next child; without any, the memory is used for the next read.
func (f *feed) keep(rest []*relay.Packet) {
	if len(rest) > 0 {
		f.pending = rest
		return
	}
	f.spare, f.pending = f.pending, nil
}
