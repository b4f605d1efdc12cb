package hold_test

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// Headers and lengths of what encoders of the tests send: 25 pictures a second, and sound in frames of 1024 samples.
const (
	aac      = "\xaf\x00\x11\x90"                                                                             // AAC-LC, 48 kHz, stereo
	opus     = "\x90OpusOpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00"                                 // stereo
	surround = "\x90OpusOpusHead\x01\x06\x38\x01\x80\xbb\x00\x00\x00\x00\x01\x04\x02\x00\x04\x01\x02\x03\x05" // six channels in four streams
	picture  = 40 * time.Millisecond
	sound    = 1024 * time.Second / 48000
)

// encoder is a publisher in a bubble of time. It sends at the pace of its own clock.
type encoder struct {
	pub   *relay.Publication
	scene *scene
	name  string
	start uint32 // of its clock

	silent bool // no sound
	blind  bool // no picture
	mute   bool // its sound has no header, and is of no codec that is known
	voice  string
	sps    string
	gop    int           // pictures
	speed  float64       // of its clock
	burst  time.Duration // it sends at such intervals what has gathered
	jitter func() time.Duration

	padding string     // of each packet's body
	frozen  bool       // its clock stands still
	apart   bool       // and is another one for sound
	stuck   relay.Kind // the clock of that track alone stands still
	stuckAt int64

	clock    uint32
	begun    time.Time
	until    time.Duration // by its clock
	pictures int
	sounds   int
	opened   bool // a decoder could begin
}

// encoder publishes with that key's name. Its clock begins at start.
func (s *scene) encoder(key string, start uint32, how ...func(*encoder)) *encoder {
	s.Helper()
	s.encoders++
	e := &encoder{scene: s, name: fmt.Sprint(key, s.encoders), start: start, gop: 50, speed: 1, voice: aac, sps: "sps"}
	for _, f := range how {
		f(e)
	}
	who := relay.Publisher{Key: key}
	if key == "field" {
		who.Role = relay.Backup
	}
	var err error
	if e.pub, err = s.stream.Publish(who); err != nil {
		s.Fatal(err)
	}
	e.begun = time.Now()
	if !e.blind {
		e.write(relay.Packet{Kind: relay.Video, Slot: relay.HeaderSlot(relay.Video, 0), Body: []byte(e.sps)})
	}
	if !e.silent && !e.mute {
		e.write(relay.Packet{Kind: relay.Audio, Slot: relay.HeaderSlot(relay.Audio, 0), Body: []byte(e.voice)})
	}
	return e
}

func (e *encoder) write(p relay.Packet) {
	if err := e.pub.Write(p); err != nil && !errors.Is(err, relay.ErrReplaced) && !errors.Is(err, relay.ErrClosed) {
		e.scene.Error(err)
	}
}

// run sends for so long.
func (e *encoder) run(d time.Duration) *encoder {
	e.until += time.Duration(float64(d) * e.speed)
	for {
		v, a := time.Duration(e.pictures)*picture, time.Duration(e.sounds)*sound
		isPicture := !e.blind && (e.silent || v <= a)
		at := a
		if isPicture {
			at = v
		}
		if at >= e.until {
			break
		}
		e.pace(at)
		e.send(isPicture, at)
	}
	time.Sleep(time.Until(e.begun.Add(time.Duration(float64(e.until) / e.speed))))
	return e
}

// pace waits until a packet of that time leaves.
func (e *encoder) pace(at time.Duration) {
	due := time.Duration(float64(at) / e.speed)
	if e.burst > 0 {
		due = (due/e.burst + 1) * e.burst
	}
	if e.jitter != nil {
		due += e.jitter()
	}
	time.Sleep(time.Until(e.begun.Add(due)))
}

func (e *encoder) send(isPicture bool, at time.Duration) {
	p := relay.Packet{Kind: relay.Audio, Body: fmt.Appendf(nil, "%s-a%d%s", e.name, e.sounds, e.padding)}
	if !e.frozen {
		e.clock = e.start + uint32(at.Milliseconds())
	}
	if p.DTS = int64(e.clock); e.frozen && e.apart && !isPicture {
		p.DTS += 7
	}
	if e.stuck == relay.Video && isPicture || e.stuck == relay.Audio && !isPicture {
		p.DTS = e.stuckAt
	}
	if isPicture {
		p.Kind, p.Keyframe = relay.Video, e.pictures%e.gop == 0
		p.Body = fmt.Appendf(nil, "%s-v%d%s", e.name, e.pictures, e.padding)
		e.pictures++
	} else {
		e.sounds++
	}
	if e.opened = e.opened || p.Keyframe || e.blind; e.opened {
		e.scene.note(string(p.Body))
	}
	e.write(p)
}

// together has encoders send at the same time.
func together(d time.Duration, all ...*encoder) {
	var wg sync.WaitGroup
	for _, e := range all {
		wg.Go(func() { e.run(d) })
	}
	wg.Wait()
}

// jump changes its clock.
func (e *encoder) jump(d time.Duration) { e.start += uint32(d.Milliseconds()) }

// pause sends nothing for so long, and never will what belonged there.
func (e *encoder) pause(d time.Duration) *encoder {
	time.Sleep(d)
	return e.paused(d)
}

// paused says that it has sent nothing for so long.
func (e *encoder) paused(d time.Duration) *encoder {
	e.begun = e.begun.Add(d)
	e.start += uint32(d.Milliseconds())
	return e
}

func (e *encoder) lose() { e.pub.Lose(errors.New("connection reset")) }

// Kinds of encoders.

func videoOnly(e *encoder) { e.silent = true }
func audioOnly(e *encoder) { e.blind = true }
func noHeader(e *encoder)  { e.mute = true }

func voice(header string) func(*encoder)    { return func(e *encoder) { e.voice = header } }
func header(sps string) func(*encoder)      { return func(e *encoder) { e.sps = sps } }
func gop(pictures int) func(*encoder)       { return func(e *encoder) { e.gop = pictures } }
func speed(f float64) func(*encoder)        { return func(e *encoder) { e.speed = f } }
func bursts(d time.Duration) func(*encoder) { return func(e *encoder) { e.burst = d } }
