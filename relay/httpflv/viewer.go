package httpflv

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

const (
	// queue is what a viewer may hold back before it loses GOPs, in bytes: some 10 s of a good picture. More would only
	// be watched late.
	queue = 8 << 20
	// flushEvery is how often what has come is sent: a viewer's cost is its system calls, and nobody sees 25 ms.
	flushEvery = 25 * time.Millisecond
	// keyframePatience is how long to wait for the first keyframe of a session that has just begun.
	keyframePatience = 10 * time.Second
	// trackPatience is how long the second kind of track may come after the first. The file header tells of both, and
	// players believe it.
	trackPatience = 200 * time.Millisecond
	// lastTimestamp is where a viewer has to ask anew: players read 31 bits of milliseconds, 24.8 days.
	lastTimestamp = 1<<31 - 1
)

var errTooLong = errors.New("the viewer's clock is at its end")

// viewer is one response that is a stream.
type viewer struct {
	sub      *relay.Subscription
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration

	base  int64  // DTS of the first packet
	frame []byte // the trailer of the tag before and the header of the next
}

// announce sends the headers.
func (v *viewer) announce() {
	v.w.Header().Set("Content-Type", "video/x-flv")
	v.w.WriteHeader(http.StatusOK)
}

// join waits for the first packets and until both kinds of track are known, or one has been alone for a while.
func (v *viewer) join(ctx context.Context) ([]*relay.Packet, error) {
	first, cancel := context.WithTimeout(ctx, keyframePatience)
	defer cancel()
	packets, err := v.sub.Read(first, nil)
	if err != nil {
		return nil, err
	}
	more, cancelMore := context.WithTimeout(ctx, trackPatience)
	defer cancelMore()
	for {
		audio, video := relay.Tracks(packets)
		if audio && video || span(packets) >= trackPatience {
			return packets, nil
		}
		next, err := v.sub.Read(more, nil)
		if err != nil {
			return packets, nil // alone, over or gone: send finds out
		}
		packets = append(packets, next...)
	}
}

// span is how much of the stream the packets hold.
func span(packets []*relay.Packet) time.Duration {
	base, _ := relay.Base(packets)
	end := base
	for _, p := range packets {
		if p.Slot == 0 {
			end = max(end, p.DTS)
		}
	}
	return time.Duration(end-base) * time.Millisecond
}

// send writes packets and all that follow, from timestamp 0 on.
func (v *viewer) send(ctx context.Context, packets []*relay.Packet) {
	v.base, _ = relay.Base(packets)
	audio, video := relay.Tracks(packets)
	v.frame = flv.AppendHeader(nil, audio, video)
	timer := time.NewTimer(flushEvery)
	defer timer.Stop()
	for {
		if err := v.write(packets); err != nil {
			return
		}
		timer.Reset(flushEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		var err error
		if packets, err = v.sub.Read(ctx, packets); err != nil {
			return
		}
	}
}

// write sends packets. The deadline is renewed for each: a slow viewer may take long for many, but not for one.
func (v *viewer) write(packets []*relay.Packet) error {
	for _, p := range packets {
		ms := max(p.DTS-v.base, 0)
		if ms > lastTimestamp {
			return errTooLong
		}
		_ = v.control.SetWriteDeadline(time.Now().Add(v.patience)) // what cannot have one needs none
		if _, err := v.w.Write(flv.AppendTagHeader(v.frame, p.Kind, len(p.Body), ms)); err != nil {
			return err
		}
		if _, err := v.w.Write(p.Body); err != nil {
			return err
		}
		v.frame = flv.AppendTrailer(v.frame[:0], len(p.Body))
	}
	if _, err := v.w.Write(v.frame); err != nil {
		return err
	}
	v.frame = v.frame[:0]
	return v.control.Flush()
}
