package recorder

import "time"

// Holding is a take as the janitor sees it.
type Holding struct {
	Stream, Session string
	Bytes           int64
	Media, Open     bool
	End             time.Time
}

// Choose is choose, with the sessions of those that must go in place of them.
func Choose(stock []Holding, limits map[string]Limits, free int64, known bool, now time.Time) (gone []string) {
	var all []*holding
	for _, h := range stock {
		all = append(all, &holding{stream: h.Stream, session: h.Session, bytes: h.Bytes, media: h.Media, open: h.Open, end: h.End})
	}
	for _, r := range choose(all, limits, free, known, now) {
		gone = append(gone, r.Stream+"/"+r.Session.Format(stamp))
	}
	return gone
}

// SettleClip is settleClip.
var SettleClip = settleClip
