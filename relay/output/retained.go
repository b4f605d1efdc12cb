package output

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/flv"
)

const (
	// lookEvery is how often a file is looked at for what of it is whole.
	lookEvery = time.Second
	// maxRetained is how many bytes of media are kept for the sake of a keyframe: two minutes of 4 Mb/s. Beyond, a file may
	// begin between two, and is of use only behind the one before.
	maxRetained = 64 << 20
)

// retained is what a child was given and what is not yet known to be whole in its file. It belongs to the runner's goroutine,
// or to the child's Feed while there is a child.
type retained struct {
	ledger  Ledger
	file    string
	inits   []*relay.Packet // under which the child began
	packets []*relay.Packet
	bytes   int         // of their bodies
	mark    ffmpeg.Mark // before the first of them
	looked  time.Time
	torn    bool // the file holds more than what stands before mark
}

// begin is for a new child. What the last one was given is safe, or pending again.
func (r *retained) begin(file string, inits []*relay.Packet) {
	clear(r.packets)
	*r = retained{ledger: r.ledger, file: file, inits: slices.Clone(inits), packets: r.packets[:0], looked: time.Now()}
}

func (r *retained) add(p *relay.Packet) {
	r.packets = append(r.packets, p)
	r.bytes += len(p.Body)
}

// look gives up what is whole on disk. It looks once in a while.
func (r *retained) look(video bool) error {
	if time.Since(r.looked) < lookEvery {
		return nil
	}
	marks, err := r.marks()
	r.release(marks, video, nil)
	r.looked = time.Now()
	return err
}

func (r *retained) marks() ([]ffmpeg.Mark, error) {
	all, err := r.ledger.Marks(r.file, r.mark)
	if err != nil {
		return nil, fmt.Errorf("look for what is recorded: %w", err)
	}
	return all, nil
}

// release gives up what stands before the newest mark at which another file may begin. next is what the child was not given.
func (r *retained) release(marks []ffmpeg.Mark, video bool, next []*relay.Packet) {
	for _, m := range slices.Backward(marks) {
		rest := r.behind(m)
		if video && r.bytes < maxRetained && !begins(rest, next) {
			continue
		}
		for _, p := range r.packets {
			r.bytes -= len(p.Body)
		}
		for _, p := range rest {
			r.bytes += len(p.Body)
		}
		n := copy(r.packets, rest)
		clear(r.packets[n:])
		r.packets, r.mark = r.packets[:n], m
		return
	}
}

// behind returns the packets that are not before a mark. They are told by their bytes: a container that is copied into
// takes frames over as they are, in the order of their track, however it interleaves tracks. Where the bytes come to no
// packet's end, a muxer has changed frames (ffmpeg leaves out AV1's temporal delimiters) and packets are counted.
func (r *retained) behind(m ffmpeg.Mark) (rest []*relay.Packet) {
	rest, exact := after(r.packets, m.Audio.Bytes-r.mark.Audio.Bytes, m.Video.Bytes-r.mark.Video.Bytes, func(p *relay.Packet) int64 {
		return int64(flv.Payload(p))
	})
	if !exact {
		rest, _ = after(r.packets, m.Audio.Packets-r.mark.Audio.Packets, m.Video.Packets-r.mark.Video.Packets, func(p *relay.Packet) int64 {
			return int64(min(flv.Payload(p), 1))
		})
	}
	return rest
}

// after returns what is left of packets when as much of each kind is taken away, and whether that ended with a packet.
func after(packets []*relay.Packet, audio, video int64, size func(*relay.Packet) int64) (rest []*relay.Packet, exact bool) {
	exact = true
	for _, p := range packets {
		left := &audio
		if p.Kind == relay.Video {
			left = &video
		}
		if n := size(p); *left >= n {
			*left -= n
			continue
		}
		exact = exact && *left <= 0
		*left = -1 // what follows is behind the mark too
		rest = append(rest, p)
	}
	return rest, exact && audio <= 0 && video <= 0
}

// begins reports whether the first picture of what remains is a keyframe.
func begins(lists ...[]*relay.Packet) bool {
	for _, list := range lists {
		i := slices.IndexFunc(list, func(p *relay.Packet) bool { return p.Kind == relay.Video && p.Slot == 0 })
		if i >= 0 {
			return list[i].Keyframe
		}
	}
	return false
}

// settle is for when the child is gone: it returns what of its file is not whole and must be given to the next one. next is
// what the child was not given; ended says that it was to end there.
func (r *retained) settle(video, ended bool, next []*relay.Packet) (again []*relay.Packet, err error) {
	marks, err := r.marks()
	if ended && len(marks) > 0 && len(r.behind(marks[len(marks)-1])) == 0 {
		return nil, nil
	}
	if r.release(marks, video, next); len(r.packets) == 0 {
		return nil, err
	}
	r.torn = true
	if r.mark.Offset == 0 { // nothing of it counts: the next child takes its name
		err = errors.Join(err, r.cut())
	}
	return slices.Clone(r.packets), err
}

// cut cuts off the last child's file what the next one is about to be given. Until then the file is left as it is: there may
// be no next one.
func (r *retained) cut() error {
	if !r.torn {
		return nil
	}
	r.torn = false
	return r.ledger.Cut(r.file, r.mark)
}
