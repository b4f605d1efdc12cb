package hold_test

import (
	"slices"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/hold"
)

const (
	slateHeader = "slate's sps"
	slateVoice  = "\xaf\x00\x11\x90\x56\xe5\x00"
)

var camera = relay.Media{Video: relay.VideoTrack{Codec: "H.264", Width: 640, Height: 360}}

// newSlate lasts two seconds, and where it has sound a little less than two of that.
func newSlate(withSound bool) *hold.Slate {
	s := &hold.Slate{Length: 50 * picture, Sound: withSound}
	s.Packets = append(s.Packets, relay.Packet{Kind: relay.Video, Slot: relay.HeaderSlot(relay.Video, 0), Body: []byte(slateHeader)})
	if withSound {
		s.Packets = append(s.Packets, relay.Packet{Kind: relay.Audio, Slot: relay.HeaderSlot(relay.Audio, 0), Body: []byte(slateVoice)})
	}
	var media []relay.Packet
	for i := range int64(50) {
		media = append(media, relay.Packet{Kind: relay.Video, DTS: i * picture.Milliseconds(), Body: []byte("S"), Keyframe: i%25 == 0})
	}
	for at := time.Duration(0); withSound && at < s.Length; at += sound {
		media = append(media, relay.Packet{Kind: relay.Audio, DTS: at.Milliseconds(), Body: []byte("song")})
	}
	slices.SortStableFunc(media, func(a, b relay.Packet) int { return int(a.DTS - b.DTS) })
	s.Packets = append(s.Packets, media...)
	return s
}

// fixed is what an output with fixed headers gets of a scene: its reads in the place of the scene's.
func (s *scene) fixed() func() take {
	sub, other := s.stream.Subscribe(1<<30), s.sub
	sub.Accept(relay.FreezeOnly)
	return func() take {
		s.sub = sub
		defer func() { s.sub = other }()
		return s.read()
	}
}

func (k take) count(body string) (n int) {
	for _, p := range k.packets {
		if string(p.Body) == body {
			n++
		}
	}
	return n
}

func wantHeaders(t testing.TB, k take, want ...string) {
	t.Helper()
	if !slices.Equal(k.headers, want) {
		t.Errorf("headers %q, want %q", k.headers, want)
	}
}

// The slate comes in the place of the last picture once it is made, turn after turn on one clock, for outputs that can
// live with it; the publisher's headers follow when it is back. The others see none of it.
func TestSlate(t *testing.T) {
	for name, withSound := range map[string]bool{"silent": false, "sound": true} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan relay.Media, 1000)
			notYet := func(m relay.Media) *hold.Slate {
				asked <- m
				return nil
			}
			ready := newSlate(withSound)
			play(t, func(set *hold.Settings) { set.Slate = notYet }, func(s *scene) {
				fixed := s.fixed()
				first := s.encoder("studio", 0)
				first.pub.Describe(camera)
				first.run(3 * time.Second)
				if len(asked) == 0 || <-asked != camera {
					t.Error("no slate was asked for while on air")
				}
				first.lose()
				time.Sleep(2 * time.Second)
				before := s.read()
				wantHeaders(t, before, "sps", aac)
				if s.stream.Status().Hold.Slate {
					t.Error("status tells of a slate before there is one")
				}
				if before.repeats < 3 {
					t.Errorf("%d repeats of the last picture while there is no slate", before.repeats)
				}

				s.change(func(set *hold.Settings) { set.Slate = func(relay.Media) *hold.Slate { return ready } })
				time.Sleep(7 * time.Second) // three turns and a half
				if !s.stream.Status().Hold.Slate {
					t.Error("status does not tell of the slate")
				}
				s.encoder("studio", 5000).run(2 * time.Second).pub.Close()
				during, frozen := s.read(), fixed()
				voices := []string{slateHeader, "sps"}
				if withSound {
					voices = []string{slateHeader, slateVoice, "sps", aac}
				}
				wantHeaders(t, during, voices...)
				wantHeaders(t, frozen, "sps", aac)
				if n := during.count("S"); n < 160 || n > 176 {
					t.Errorf("%d pictures of the slate in 6.5 to 7 s", n)
				}
				songs := during.count("song")
				if withSound && (songs < 300 || during.silence > 30) || !withSound && during.silence < 320 {
					t.Errorf("%d packets of the slate's sound, %d of silence", songs, during.silence)
				}
				if n := frozen.count("S") + frozen.count("song"); n > 0 {
					t.Errorf("with fixed headers: %d packets of the slate", n)
				}
				if frozen.repeats < 15 || frozen.silence < 400 {
					t.Errorf("with fixed headers: %d repeats, %d packets of silence", frozen.repeats, frozen.silence)
				}
				all := take{packets: append(before.packets, during.packets...)}
				for _, k := range []take{all, frozen} {
					k.steady(t, strict(s.settings()))
					k.onTime(t, 150*time.Millisecond)
				}
				s.wantAll(frozen)
			})
		})
	}
}

// A stream of sound alone has no place for a picture, and outputs have none for another track.
func TestNoSlateWithoutVideo(t *testing.T) {
	ready := newSlate(true)
	play(t, func(set *hold.Settings) { set.Slate = func(relay.Media) *hold.Slate { return ready } }, func(s *scene) {
		e := s.encoder("studio", 0, audioOnly)
		e.pub.Describe(relay.Media{Audio: relay.AudioTrack{Codec: "AAC"}})
		e.run(4 * time.Second).lose()
		time.Sleep(2 * time.Second)
		k := s.read()
		wantHeaders(t, k, aac)
		if k.silence < 80 || k.count("S")+k.count("song") > 0 {
			t.Errorf("%d packets of silence, %d of the slate", k.silence, k.count("S")+k.count("song"))
		}
	})
}

// An output that joins during a hold sees what the others see.
func TestJoiningDuringASlate(t *testing.T) {
	ready := newSlate(false)
	play(t, func(set *hold.Settings) { set.Slate = func(relay.Media) *hold.Slate { return ready } }, func(s *scene) {
		e := s.encoder("studio", 0)
		e.pub.Describe(camera)
		e.run(2 * time.Second).lose()
		time.Sleep(3500 * time.Millisecond)
		show, fixed := &scene{T: s.T, sub: s.stream.Subscribe(1 << 30)}, s.fixed()
		k, frozen := show.read(), fixed()
		wantHeaders(t, k, slateHeader, aac)
		wantHeaders(t, frozen, "sps", aac)
		if k.count("S") == 0 || k.count("S") > 25 || frozen.count("S") > 0 {
			t.Errorf("%d and %d pictures of the slate, want what came since its keyframe, and none", k.count("S"), frozen.count("S"))
		}
	})
}
