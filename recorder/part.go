package recorder

import (
	"errors"
	"os"
	"time"
)

// part is one file of a take.
type part struct {
	number int
	index
}

// read looks into the take's files, as far as they are still there. It returns those that it could look into, and why
// it could not into the others.
func (t *take) read() (parts []*part, err error) {
	for _, number := range t.parts {
		name := partName(t.base, number)
		failed := trim(name)
		var x index
		if failed == nil {
			x, failed = readIndex(name)
		}
		switch {
		case errors.Is(failed, os.ErrNotExist): // joined, by another's asking
		case failed != nil:
			err = errors.Join(err, failed)
			parts = append(parts, nil)
		default:
			parts = append(parts, &part{number, x})
		}
	}
	return parts, err
}

// session is what the black box tells of the take's session; nil where nobody kept one.
func (t *take) session() *story {
	f, err := os.Open(t.base + eventsExtension)
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // only read
	s, err := readStory(f)
	if err != nil {
		return nil // chapters are not worth a recording
	}
	return s
}

// almost is how much shorter than a segment its part may be: it is cut at a keyframe, by another clock.
const almost = 500 * time.Millisecond

// runs are the parts that can be one file: those that follow each other with the same headers, until they last as long as
// a segment, if there are any. One in which nothing plays is left as it is, and nothing is joined across it, unless it is
// empty.
func runs(parts []*part, segment time.Duration) (all [][]*part) {
	var run []*part
	var lasts time.Duration
	end := func() {
		if len(run) > 0 {
			all = append(all, run)
		}
		run, lasts = nil, 0
	}
	for _, p := range parts {
		switch {
		case p == nil:
			end()
		case p.packets() > 0:
			if len(run) > 0 && !run[0].alike(&p.index) {
				end()
			}
			run, lasts = append(run, p), lasts+p.duration()
			if segment > 0 && lasts >= segment-almost {
				end()
			}
		case p.size > 0:
			end()
		}
	}
	end()
	return all
}
