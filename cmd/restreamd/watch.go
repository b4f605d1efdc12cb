package main

import (
	"context"
	"slices"

	"go.uber.org/zap"

	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/secret"
)

// watch tells the director what destinations.d says.
func (h *house) watch(ctx context.Context) error {
	var told map[string]bool // what was said of the last snapshot
	w := &config.Watcher{Dir: h.cfg.Destinations, Known: h.cfg.Known(), Apply: func(s config.Snapshot) {
		var secrets []secret.String
		for _, d := range s.Destinations {
			secrets = append(secrets, d.Target.Secrets()...)
		}
		h.keys.knowDestinations(secrets)
		told = h.tell(s, told)
		h.reporter.destinations(s.Problems)
		h.director.apply(s)
		if err := writeImprint(h.cfg.Data, s); err != nil {
			h.log.Warn("restreamd check will not know what runs", zap.Error(err))
		}
	}}
	return w.Serve(ctx)
}

// tell logs what is new to say of destination files, and returns all there is to say of them.
func (h *house) tell(s config.Snapshot, told map[string]bool) map[string]bool {
	now := map[string]bool{}
	say := func(log func(string, ...zap.Field), message, name, text string) {
		if now[text] = true; !told[text] {
			log(message, zap.String("destination", name), zap.String("note", text))
		}
	}
	for _, p := range s.Problems {
		message := "destination refused"
		if p.Kept {
			message = "destination file has a mistake: its last good version goes on"
		}
		say(h.log.Error, message, p.Destination, p.Err.Error())
	}
	for _, d := range s.Destinations {
		for _, note := range d.Notes {
			say(h.log.Warn, "destination", d.Name, note)
		}
		if h.isOwnKey(d.Target.Key) {
			say(h.log.Warn, "destination", d.Name, d.Name+": its key is a stream key of this relay: if it leads back here, the stream feeds itself")
		}
	}
	return now
}

// isOwnKey reports whether a key opens a stream of this relay.
func (h *house) isOwnKey(key secret.String) bool {
	return slices.ContainsFunc(h.cfg.Streams, func(s config.Stream) bool {
		return slices.ContainsFunc(s.Keys, func(k config.Key) bool { return k.Digest == key.Digest() })
	})
}
