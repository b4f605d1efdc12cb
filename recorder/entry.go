package recorder

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"
)

// Entry is one line of a session's black box: JSON, times in UTC, fields without a value left out. Whoever reads it
// later, with jq or another program, finds:
//
//	what       key, role, why                      tells
//	began      -                                   the session began
//	published  key, role; why: from where          a publisher came
//	left       key, role; why                      a publisher said goodbye
//	lost       key, role; why                      a publisher was lost
//	feeding    key, role; why                      a publisher feeds the stream from now on; the first to publish does so anyway
//	hold       why                                 nobody does, and what outputs get is made up; "feeding" with role stopgap is the same
//	switch     why                                 somebody or something asks for another publisher
//	output     output, state, class, why           an output's state changed: starting, running, retrying, stopping, waiting, off
//	rates      output; numbers                     what was measured in the last second, of an output or of the stream
//	ended      why                                 the session ended
//	opened     stream                              a relay began to write here: the second time, it was started again
//	missed     numbers: entries                    the disk was too slow for as many entries
//	full       -                                   the file has its size: no rates from now on
//
// Anything else is kept and not understood. Rates that the summary understands are bitrate (bit/s) and, of an output,
// drops (packets, counted from any moment on).
type Entry struct {
	At      time.Time          `json:"at"`
	What    string             `json:"what"`
	Stream  string             `json:"stream,omitempty"`
	Key     string             `json:"key,omitempty"` // a key's name, never the key
	Role    string             `json:"role,omitempty"`
	Output  string             `json:"output,omitempty"` // such as push/twitch
	State   string             `json:"state,omitempty"`
	Class   string             `json:"class,omitempty"` // of a failure
	Why     string             `json:"why,omitempty"`   // for people
	Numbers map[string]float64 `json:"numbers,omitempty"`
}

// What an entry is about, where this package has to know.
const (
	whatPublished = "published"
	whatLeft      = "left"
	whatLost      = "lost"
	whatFeeding   = "feeding"
	whatHold      = "hold"
	whatSwitch    = "switch"
	whatOutput    = "output"
	whatRates     = "rates"
	whatEnded     = "ended"
	whatOpened    = "opened"
	whatMissed    = "missed"
	whatFull      = "full"
)

// line is an entry as it is written. JSON has no infinities: such numbers are left out.
func (e Entry) line() []byte {
	numbers := make(map[string]float64, len(e.Numbers))
	for name, n := range e.Numbers {
		if !math.IsNaN(n) && !math.IsInf(n, 0) {
			numbers[name] = n
		}
	}
	e.Numbers, e.At = numbers, e.At.UTC()
	line, err := json.Marshal(e)
	if err != nil { // a year of five digits
		line, _ = json.Marshal(Entry{What: e.What, Why: err.Error()})
	}
	return append(line, '\n')
}

// readEntries calls see for each entry. Lines that are none are passed over: a relay that was killed may have left one
// torn.
func readEntries(r io.Reader, see func(Entry)) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		var e Entry
		if json.Unmarshal(line, &e) == nil && e.What != "" {
			see(e)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read black box: %w", err)
		}
	}
}

// readEvents is readEntries for those to whom rates, nearly all of a file, say no more than that the relay was there:
// of rates that follow each other it calls see for the last. For a show of three hours, 12 MB, it takes 7 ms instead of
// 340.
func readEvents(r io.Reader, see func(Entry)) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	rates, skipped := []byte(`"what":"`+whatRates+`"`), []byte(nil)
	tell := func(line []byte) {
		var e Entry
		if json.Unmarshal(line, &e) == nil && e.What != "" {
			see(e)
		}
	}
	for {
		line, err := lines.ReadSlice('\n')
		if err == nil && bytes.Contains(line, rates) {
			skipped = append(skipped[:0], line...)
			continue
		}
		tell(skipped)
		skipped = skipped[:0]
		tell(line)
		switch {
		case err == io.EOF:
			return nil
		case err != nil && err != bufio.ErrBufferFull: // a line of that length is none of ours
			return fmt.Errorf("read black box: %w", err)
		}
	}
}
