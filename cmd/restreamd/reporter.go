package main

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
)

// reporter puts the relay's parts into one snapshot, and passes on what the API asks for.
type reporter struct {
	hub      *relay.Hub
	outputs  *output.Set
	director *director
	ingest   *ingest.Server
	viewers  *viewers
	uploads  *uploads
	hide     func(string) string // masks secrets
	data     string
	ffmpeg   string
	started  time.Time
	ready    atomic.Bool

	mu       sync.Mutex
	problems []httpapi.Problem // of destinations.d
	settings []httpapi.Problem // of restreamd.yml
}

// configuration takes what is wrong with restreamd.yml, nil for nothing. What was in force goes on.
func (r *reporter) configuration(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settings = nil
	if err != nil {
		r.settings = []httpapi.Problem{{Error: err.Error(), Kept: true}}
	}
}

// destinations takes the problems of a new snapshot of destinations.d.
func (r *reporter) destinations(problems []config.Problem) {
	list := make([]httpapi.Problem, 0, len(problems))
	for _, p := range problems {
		list = append(list, httpapi.Problem{Destination: p.Destination, Error: p.Err.Error(), Kept: p.Kept})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = list
}

// Snapshot returns the relay's present state.
func (r *reporter) Snapshot() httpapi.Snapshot {
	s := httpapi.Snapshot{
		Version: version, FFmpeg: r.ffmpeg, Now: time.Now().UTC(), Started: r.started, Ready: r.ready.Load(),
		Disk: disk(recordings(r.data)), Ingest: httpapi.Ingest(r.ingest.Counts()), Streams: []httpapi.Stream{},
		Encoders: r.director.encoders(), Alarms: r.director.desk.ringing(), Uploads: r.uploads.report(r.hide),
	}
	r.mu.Lock()
	s.Problems = slices.Concat([]httpapi.Problem{}, r.settings, r.problems)
	r.mu.Unlock()
	byStream := map[string][]httpapi.Output{}
	outputs := r.outputs.Snapshot()
	ill := map[string]output.Status{} // renditions that are in trouble, by the stream they make
	for _, o := range outputs {
		if o.Kind == kindRendition && o.Reason != "" {
			ill[o.Stream+"@"+o.Name] = o
		}
	}
	for _, o := range outputs {
		if source, found := ill[o.From]; found && o.State == output.Waiting && o.Reason == "" {
			o.Class, o.Reason = source.Class, "its rendition "+o.From+": "+source.Reason
		}
		one := httpapi.Output{Status: o}
		if o.Kind == kindPush {
			destination, _, _ := strings.Cut(o.Name, backupMark)
			one.Findings = r.director.findings(o.Stream, destination)
		}
		byStream[o.Stream] = append(byStream[o.Stream], one)
	}
	for _, stream := range r.hub.Streams() {
		s.Streams = append(s.Streams, httpapi.Stream{
			StreamStatus: stream.Status(), Playback: r.viewers.Terms(stream.Name()).Playback, Outputs: byStream[stream.Name()],
		})
	}
	return s
}

// Retry has an output try again now.
func (r *reporter) Retry(id output.ID) bool { return r.outputs.Retry(id) }

// Disconnect ends a stream's publisher.
func (r *reporter) Disconnect(stream string) bool {
	s := r.hub.Stream(stream)
	return s != nil && s.Disconnect()
}

// Switch has another of a stream's publishers feed it.
func (r *reporter) Switch(stream, to string) error {
	s := r.hub.Stream(stream)
	if s == nil {
		return relay.ErrNoPublisher
	}
	return s.Switch(to, "by hand", false)
}

func disk(path string) httpapi.Disk {
	d := httpapi.Disk{Path: path}
	var st unix.Statfs_t
	if unix.Statfs(path, &st) == nil {
		d.Free, d.Total = int64(st.Bavail)*st.Bsize, int64(st.Blocks)*st.Bsize
	}
	return d
}
