package hold

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/restreamd/restreamd/relay"
)

// lookEvery is how often a stream is looked at, and how long the keeper's sound is at a time.
const lookEvery = 50 * time.Millisecond

// Keeper keeps the sessions of one stream alive.
//
//	            ┌─────────── the publisher is well ◀─────────────┐
//	            ▼                                                │ its keyframe
//	primary feeds ──failed──▶ a backup that is well feeds ──failed──▶ the keeper feeds ──For is over──▶ the session ends
//	            ▲                        │
//	            └── well for FailBack ◀──┘
type Keeper struct {
	Stream   *relay.Stream
	Settings func() Settings // asked at each look: they may be reloaded
}

// Serve keeps until ctx is cancelled. A session that is held then is left to the stream's own end.
func (k *Keeper) Serve(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	w := watch{stream: k.Stream, doctor: doctor{}}
	defer w.leave()
	for {
		w.Settings = k.Settings()
		w.look(time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// watch is a keeper at work. It belongs to Serve's goroutine.
type watch struct {
	Settings
	stream *relay.Stream
	doctor doctor
	gap    *gap        // while the keeper feeds
	media  relay.Media // of who fed last
	turn   turn
	vacant time.Time // since when a publisher that was replaced is missed
	looked time.Time // last
	awake  time.Time // since when the keeper looks as often as it should
}

// turn is one publisher's time of feeding.
type turn struct {
	role  relay.Role
	of    time.Time // when its publication began
	began time.Time
	back  bool // the primary is to follow
}

func (w *watch) look(now time.Time) {
	if now.Sub(w.looked) > w.Stall/2 {
		w.awake = now // the whole machine may have stood still: what publishers sent meanwhile has yet to be read
	}
	w.looked = now
	s := w.stream.Status()
	w.doctor.examine(w.Settings, s, w.awake, now)
	every := w.Every
	w.stream.Hold(relay.Holds{
		Lost: w.For > 0, Stopped: w.AfterStop > 0, Prove: w.Prove, Barred: w.doctor.barred(),
		Fill: func(f relay.Freeze) []relay.Packet { return bridge(f, every) },
	})
	if w.gap != nil && w.gap.over() {
		w.gap = nil
	}
	vacant := w.vacant
	w.vacant = time.Time{}
	switch {
	case s.Session == nil:
	case s.Publisher != nil:
		w.feeding(s, now)
	case s.Hold != nil:
		w.orphaned(s, now)
	default:
		w.replaced(vacant, now)
	}
	slate := w.slate(s)
	if w.gap != nil {
		w.gap.show(slate)
		w.gap.fill(now)
	}
}

// slate is what there is to be shown. It is asked for as soon as a publisher feeds: making it takes time.
func (w *watch) slate(s relay.StreamStatus) *Slate {
	if s.Publisher != nil && s.Publisher.Keyframes > 0 {
		w.media = s.Publisher.Media
	}
	if w.Slate == nil || s.Session == nil || w.media == (relay.Media{}) {
		return nil
	}
	return w.Slate(w.media)
}

// feeding looks after a stream that a publisher feeds.
func (w *watch) feeding(s relay.StreamStatus, now time.Time) {
	p := *s.Publisher
	if w.turn.role != p.Role || !w.turn.of.Equal(p.Since) {
		w.turn = turn{role: p.Role, of: p.Since, began: now}
	}
	ill := w.doctor[p.Role].ill
	switch {
	case ill == "" && p.Role == relay.Backup:
		w.failBack(now)
	case ill == "" || w.toBackup(s, p.Key+": "+ill):
	case w.For > 0:
		w.standIn(p.Role, fmt.Sprintf("%s: %s", p.Key, ill))
	}
}

// failBack has the primary feed again after it was well for long enough, at its next keyframe. One that was well when the
// backup's turn began was not failing: somebody wants the backup.
func (w *watch) failBack(now time.Time) {
	well := w.doctor[relay.Primary].well
	back := w.FailBack > 0 && !well.Before(w.turn.began) && now.Sub(well) >= w.FailBack
	switch {
	case back:
		_ = w.stream.Switch(string(relay.Primary), "the primary is well for "+w.FailBack.String(), false) // it may have gone; the next look tells
	case w.turn.back:
		_ = w.stream.Switch(string(relay.Backup), "the primary failed", false) // it failed before its keyframe came
	}
	w.turn.back = back
}

// toBackup switches to one who stands by and is well.
func (w *watch) toBackup(s relay.StreamStatus, why string) bool {
	for _, other := range s.Standby {
		if w.doctor[other.Role].ill == "" && other.Ready && w.stream.Switch(string(other.Role), why, true) == nil {
			return true
		}
	}
	return false
}

// orphaned looks after a session that no publisher feeds.
func (w *watch) orphaned(s relay.StreamStatus, now time.Time) {
	if w.toBackup(s, s.Hold.Why) {
		return
	}
	limit := w.For
	if s.Hold.Stopped {
		limit = w.AfterStop
	}
	if limit == 0 && len(s.Standby) > 0 {
		return // nothing is held: it is theirs
	}
	if now.Sub(s.Hold.Since) >= limit {
		w.stream.End(fmt.Sprintf("held for %s: %s", limit, s.Hold.Why))
		w.gap = nil
		return
	}
	if w.gap == nil {
		w.standIn("", s.Hold.Why)
	}
}

// replaced looks after a stream whose publisher was replaced by one that has yet to begin. That takes a moment, of which
// nothing should be seen.
func (w *watch) replaced(since, now time.Time) {
	if w.vacant = since; since.IsZero() {
		w.vacant = now
	}
	if w.For > 0 && now.Sub(w.vacant) > w.Stall {
		w.standIn("", "its publisher was replaced by one that sends nothing")
	}
}

func (w *watch) standIn(instead relay.Role, why string) {
	pub, freeze, ok := w.stream.StandIn(relay.Publisher{Key: "hold", Agent: "restreamd"}, instead, why)
	if ok {
		w.gap = newGap(pub, freeze, w.Every)
	}
}

var errStops = errors.New("the relay stops")

func (w *watch) leave() {
	if w.gap != nil {
		w.gap.pub.Lose(errStops)
	}
}
