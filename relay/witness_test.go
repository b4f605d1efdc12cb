package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// witness is an output that joined at some time.
type witness struct {
	sub     *relay.Subscription
	header  string
	picture string // newest
	last    map[relay.Kind]int64
	seen    map[string]bool
	owed    int // of chaos.owed when it came
}

func headerOf(body string) string {
	var name, header string
	var gop, picture int
	fields(body, &name, &gop, &picture, &header)
	return header
}

func fields(body string, name *string, gop, picture *int, header *string) {
	parts := strings.Split(body, "|")
	*name, *header = parts[1], parts[4]
	_, _ = fmt.Sscan(parts[2], gop)
	_, _ = fmt.Sscan(parts[3], picture)
}

// read judges what an output got: times go on, nothing comes twice, and every picture can be decoded.
func (c *chaos) read(w *witness) {
	for _, p := range readNow(c.T, w.sub) {
		body := string(p.Body)
		if p.Slot != 0 {
			w.header = body
			continue
		}
		if before, ok := w.last[p.Kind]; p.DTS < before || ok && p.DTS == before && p.Kind != relay.Script {
			c.Errorf("%q at %d after %d", body, p.DTS, before)
		}
		if w.last[p.Kind] = p.DTS; p.DTS > time.Since(c.begun).Milliseconds()+int64(c.writes)*3000 {
			c.Errorf("%q at %d", body, p.DTS)
		}
		if w.seen[body] {
			c.Errorf("%q came twice", body)
		}
		w.seen[body] = true
		if p.Kind == relay.Video {
			c.decode(w, body, p.Keyframe)
		}
	}
	if !w.sub.Session().IsZero() { // else it waits for a keyframe
		for _, body := range c.owed[w.owed:] {
			if !w.seen[body] {
				c.Errorf("%q never came", body)
			}
		}
	}
	w.owed = len(c.owed)
}

// decode checks that a picture comes under its header and behind the one it refers to.
func (c *chaos) decode(w *witness, body string, keyframe bool) {
	var name, header, lastName, lastHeader string
	var gop, picture, lastGOP, lastPicture int
	fields(body, &name, &gop, &picture, &header)
	if header != w.header {
		c.Errorf("%q came under %q", body, w.header)
	}
	if keyframe != (picture == 0) {
		c.Errorf("%q is a keyframe: %t", body, keyframe)
	}
	if w.picture != "" {
		fields(w.picture, &lastName, &lastGOP, &lastPicture, &lastHeader)
	}
	if picture > 0 && (name != lastName || gop != lastGOP || picture != lastPicture+1) {
		c.Errorf("%q came after %q", body, w.picture)
	}
	w.picture = body
}

// readNow reads what there is, and knows that there is an end.
func readNow(t testing.TB, s *relay.Subscription) []*relay.Packet {
	packets, err := s.Read(canceled(), nil)
	if err != nil && !errors.Is(err, errNow) && !errors.Is(err, io.EOF) && !errors.Is(err, relay.ErrClosed) {
		t.Error(err)
	}
	return packets
}

var errNow = errors.New("now")

func canceled() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errNow)
	return ctx
}
