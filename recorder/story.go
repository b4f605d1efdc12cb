package recorder

import (
	"io"
	"time"
)

// blink is how short a time without a publisher may be that is not worth telling: one took over from another.
const blink = 100 * time.Millisecond

// feeder is who or what feeds a stream.
type feeder int

const (
	publisher feeder = iota
	backup
	held   // the hold: what outputs get is made up
	nobody // outputs get nothing
	down   // the relay is not there
)

// stretch is a time in which the same feeds.
type stretch struct {
	from, to time.Time
	who      feeder
	key      string // of the publisher
	why      string // it is not the one before that feeds
}

func (s stretch) lasted() time.Duration { return s.to.Sub(s.from) }

// visit is one publisher's stay.
type visit struct {
	key, role, from string
	came, went      time.Time // went is zero while it stays
	lost            bool
	why             string // it went
}

// story is a session as its black box tells it.
//
//	published ─▶ publisher or backup ──lost──▶ nobody ──hold──▶ held ──feeding──▶ publisher or backup ──ended──▶
type story struct {
	stream     string
	began      time.Time // of the first entry
	last       time.Time // of the newest
	opened     int       // by how many runs of the relay
	missed     int       // entries the disk was too slow for
	full       time.Time // since when there are no rates
	stretches  []stretch
	visits     []visit
	outputs    []*outputStory
	received   mean   // bit/s
	switchedTo string // why somebody else is to feed
	over       bool   // it ended, and was not taken up again
	why        string // it did
}

// readStory reads a session's black box.
func readStory(r io.Reader) (*story, error) {
	s := &story{}
	if err := readEntries(r, s.add); err != nil {
		return nil, err
	}
	s.close()
	return s, nil
}

func (s *story) add(e Entry) {
	if s.began.IsZero() {
		s.began = e.At
	}
	switch e.What {
	case whatOpened:
		s.reopen(e)
	case whatMissed:
		s.missed += int(e.Numbers["entries"])
	case whatFull:
		s.full = e.At
	case whatPublished:
		s.visits = append(s.visits, visit{key: e.Key, role: e.Role, from: e.Why, came: e.At})
		if len(s.stretches) == 0 {
			s.feed(e)
		}
	case whatLeft, whatLost:
		s.leave(e)
	case whatSwitch:
		s.switchedTo = e.Why
	case whatFeeding:
		s.feed(e)
	case whatHold:
		s.hold(e)
	case whatEnded:
		s.over, s.why = true, e.Why
	case whatOutput:
		s.output(e.Output).enter(e)
	case whatRates:
		if e.Output != "" {
			s.output(e.Output).measure(e)
		} else {
			s.received.add(e.Numbers["bitrate"])
		}
	}
	if e.At.After(s.last) && !s.over {
		s.last = e.At
	}
	if e.What == whatEnded {
		s.last = e.At
	}
}

// reopen is where another run of the relay goes on: since the last entry before, nobody was there.
func (s *story) reopen(e Entry) {
	s.opened++
	if s.stream == "" {
		s.stream = e.Stream
	}
	if s.opened == 1 {
		return
	}
	const why = "the relay was started again"
	s.over, s.why = false, ""
	s.change(stretch{from: s.last, who: down, why: why})
	for i := range s.visits {
		if s.visits[i].went.IsZero() {
			s.visits[i].went, s.visits[i].lost, s.visits[i].why = s.last, true, why
		}
	}
	for _, o := range s.outputs {
		o.fall(s.last)
	}
}

func (s *story) feed(e Entry) {
	switch e.Role {
	case "stopgap":
		s.hold(e)
	case "backup":
		s.change(stretch{from: e.At, who: backup, key: e.Key, why: e.Why})
	default:
		s.change(stretch{from: e.At, who: publisher, key: e.Key, why: e.Why})
	}
}

// hold fills the time since the publisher was lost, if it was.
func (s *story) hold(e Entry) {
	if now := s.now(); now != nil && now.who == nobody {
		now.who = held
		return
	}
	s.change(stretch{from: e.At, who: held, why: e.Why})
}

func (s *story) leave(e Entry) {
	for i := len(s.visits) - 1; i >= 0; i-- {
		if v := &s.visits[i]; v.key == e.Key && v.role == e.Role && v.went.IsZero() {
			v.went, v.lost, v.why = e.At, e.What == whatLost, e.Why
			break
		}
	}
	if now := s.now(); now != nil && now.key == e.Key && (now.who == publisher || now.who == backup) {
		s.change(stretch{from: e.At, who: nobody, why: e.Why})
	}
}

// now is who feeds; nil before there is anybody.
func (s *story) now() *stretch {
	if len(s.stretches) == 0 {
		return nil
	}
	return &s.stretches[len(s.stretches)-1]
}

// change has another feed from now on. Why may have been told before: when the one before was lost, or with the wish
// for another.
func (s *story) change(next stretch) {
	if next.why == "" {
		next.why = s.switchedTo
	}
	s.switchedTo = ""
	if now := s.now(); now != nil {
		now.to = next.from
		if now.who == nobody && next.why == "" {
			next.why = now.why
		}
		if now.who == nobody && now.lasted() < blink {
			s.stretches = s.stretches[:len(s.stretches)-1]
		}
	}
	s.stretches = append(s.stretches, next)
}

// close ends what is going on with the last entry.
func (s *story) close() {
	if now := s.now(); now != nil {
		now.to = s.last
		if now.who == nobody && now.lasted() < blink {
			s.stretches = s.stretches[:len(s.stretches)-1]
		}
	}
	for _, o := range s.outputs {
		o.close(s.last)
	}
}

func (s *story) output(name string) *outputStory {
	for _, o := range s.outputs {
		if o.name == name {
			return o
		}
	}
	o := &outputStory{name: name}
	s.outputs = append(s.outputs, o)
	return o
}
