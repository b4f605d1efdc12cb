// Package hold keeps the broadcast on air while a stream's encoder is gone: it is the publisher of last resort.
//
// A Keeper looks at the publishers of one stream, switches to the backup when the primary fails and back when it is
// well, and where nobody is left repeats the publisher's own last keyframe with silence of the same configuration, so
// that codec headers stay what they were and no platform sees a new stream. It decodes nothing. Where a slate is given,
// outputs that live through another codec header see that instead, at the same time.
//
// A publisher that falls silent has failed a second before anybody knows. That second is filled in the same way, up to
// the GOP of whoever takes over, as the stream switches: outputs see no hole.
//
// Keeper.Serve is one goroutine: the publisher's, while the keeper feeds.
package hold
