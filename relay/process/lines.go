package process

import (
	"io"
	"strings"
	"unicode"
)

const (
	maxLine  = 1 << 10 // bytes of a line that anybody sees
	maxRaw   = 4 << 10 // bytes of a line that are kept to find secrets in; the rest of it is dropped
	maxTail  = 30      // lines of stderr that an Exit carries
	maxQueue = 64      // lines that wait for a slow callback
)

// readLines calls emit for each line of r that is not empty, until r ends. A line ends at \n or \r: that is how
// programs draw their status lines. An endless line is emitted once, cut, when it reaches maxRaw.
func readLines(r io.Reader, emit func(line string, cut bool)) {
	buffer := make([]byte, 4<<10)
	var line []byte
	skipping := false
	for {
		n, err := r.Read(buffer)
		for _, b := range buffer[:n] {
			switch {
			case b == '\n' || b == '\r':
				if len(line) > 0 {
					emit(string(line), false)
				}
				line, skipping = line[:0], false
			case skipping:
			case len(line) == maxRaw:
				emit(string(line), true)
				line, skipping = line[:0], true
			default:
				line = append(line, b)
			}
		}
		if err != nil {
			if len(line) > 0 {
				emit(string(line), false)
			}
			return
		}
	}
}

// presentable makes a line of stderr fit for logs and terminals.
func presentable(line string, cut bool, redact func(string) string) string {
	if redact != nil {
		line = redact(line)
	}
	if cut {
		// The cut may have halved a secret, which no redactor then knows.
		line = line[:max(0, len(line)-maxLine)]
	}
	// The text may come from a remote peer, and terminals obey control characters.
	line = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, line)
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "")
	}
	return line
}

// courier calls a callback from a goroutine of its own, so that whoever posts never waits.
type courier struct {
	queue chan string
	gone  chan struct{}
}

func newCourier(callback func(string)) *courier {
	if callback == nil {
		return nil
	}
	c := &courier{queue: make(chan string, maxQueue), gone: make(chan struct{})}
	go func() {
		defer close(c.gone)
		for line := range c.queue {
			callback(line)
		}
	}()
	return c
}

// post drops the line when the callback is that far behind.
func (c *courier) post(line string) {
	if c == nil {
		return
	}
	select {
	case c.queue <- line:
	default:
	}
}

// close waits for the callback to have seen what was posted.
func (c *courier) close() {
	if c == nil {
		return
	}
	close(c.queue)
	<-c.gone
}
