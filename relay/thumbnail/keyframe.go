package thumbnail

import (
	"context"
	"errors"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// errNoPicture: media came, and there was no video in it.
var errNoPicture = errors.New("this stream has no video: there is nothing to show")

// keyframe is the newest picture that can be decoded by itself, and what its decoder must know.
type keyframe struct {
	session time.Time
	header  *relay.Packet // nil for codecs that have none
	frame   *relay.Packet
}

// same reports whether both are the same picture. It is told by time: what was shown needs not be held.
func (k keyframe) same(session time.Time, dts int64) bool {
	return k.session.Equal(session) && k.frame.DTS == dts
}

// newest waits until the subscription has a keyframe. One that has just joined begins with the newest.
func newest(ctx context.Context, sub *relay.Subscription) (keyframe, error) {
	var k keyframe
	for {
		packets, err := sub.Read(ctx, nil)
		if err != nil {
			return k, err
		}
		for _, p := range packets {
			switch {
			case p.Slot == relay.HeaderSlot(relay.Video, 0):
				k.header = p
			case p.Slot == 0 && p.Kind == relay.Video && p.Keyframe:
				k.frame, k.session = p, sub.Session()
			case p.Slot == 0 && p.Keyframe: // where outputs join a stream of sound alone
				return k, errNoPicture
			}
			if k.frame != nil {
				return k, nil
			}
		}
	}
}

// packets are the one or two that its decoder needs.
func (k keyframe) packets() []*relay.Packet {
	if k.header == nil {
		return []*relay.Packet{k.frame}
	}
	return []*relay.Packet{k.header, k.frame}
}

// tags is the keyframe as a whole FLV stream.
func (k keyframe) tags() []byte {
	b := flv.AppendHeader(nil, false, true)
	for _, p := range k.packets() {
		b = flv.AppendTagHeader(b, p.Kind, len(p.Body), 0)
		b = append(b, p.Body...)
		b = flv.AppendTrailer(b, len(p.Body))
	}
	return b
}
