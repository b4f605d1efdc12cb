package output

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// derived publishes what one rendition's children write to their stdout, one child after the other, for the whole of a
// session: outputs of the derived stream go on when an encoder is replaced. It starts no goroutine.
type derived struct {
	pub   *relay.Publication
	bytes atomic.Int64 // read from the present child
}

// derive makes ready for a child that writes a stream of its own.
func (r *runner) derive() error {
	if r.spec.Derived == nil {
		return nil
	}
	if r.derived == nil || r.derived.pub.Err() != nil { // none yet, or somebody ended it
		pub, err := r.spec.Derived.Publish(relay.Publisher{
			Key: "rendition of " + r.spec.from(), Agent: "restreamd",
			Clock: relay.Clock{Zero: r.attempt.Zero, Shift: r.attempt.Begin},
		})
		if err != nil {
			return fmt.Errorf("publish the rendition: %w", err)
		}
		r.derived = &derived{pub: pub}
	}
	r.derived.bytes.Store(0)
	r.derived.pub.Resync() // each child's clock starts near 0
	return nil
}

// read publishes one child's stdout to its end.
func (d *derived) read(stdout io.Reader) error {
	tags := flv.NewReader(stdout)
	for {
		p, err := tags.Read()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the rendition: %w", err)
		}
		d.bytes.Add(int64(len(p.Body)))
		if err := d.pub.Write(p); err != nil {
			return fmt.Errorf("publish the rendition: %w", err)
		}
	}
}

func (d *derived) close() { d.pub.Close() }
