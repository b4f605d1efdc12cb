package config

// Stream is one programme: how it is published and what is made of it.
type Stream struct {
	Name   string
	App    string // what encoders put behind the host: rtmp://host/app; default "live"
	Revoke string // RevokeFinish or RevokeEnd; default RevokeFinish
	Play   Play
	Keys   []Key // who may publish. Empty only for a stream that is alone; the caller then makes a key
	Hold   Hold
	Record Record
	HLS    HLS

	// Playback is who may watch over HTTP: PlaybackPublic, PlaybackToken or PlaybackNone; default PlaybackPublic.
	Playback string
}

// What becomes of a running publisher whose key is removed or expires: Stream.Revoke.
const (
	RevokeFinish = "finish" // it goes on to its own end
	RevokeEnd    = "end"    // it is ended at once
)

// Play is who may play a stream over RTMP.
type Play struct {
	Keys     bool // whoever may publish; default true
	Loopback bool // anyone on this machine, without a key, by the stream's name; default false
}

func defaultStream(name string) Stream {
	return Stream{
		Name:   name,
		App:    "live",
		Revoke: RevokeFinish,
		Play:   Play{Keys: true},
		Hold:   defaultHold(),
		Record: defaultRecord(),
		HLS:    defaultHLS(),

		Playback: PlaybackPublic,
	}
}

// readStreams reads the mapping of names to streams.
func readStreams(all *section, renditions []string) []Stream {
	var streams []Stream
	known := keyring{}
	for _, e := range all.entries {
		if !validName.MatchString(e.key) {
			all.doc.fail(e.line, all.field, "not a name of a stream", nameHint)
			continue
		}
		streams = append(streams, readStream(e.key, all.section(e.key), known, renditions))
	}
	checkUploads(all, streams)
	for _, stream := range streams {
		if len(stream.Keys) == 0 && len(streams) > 1 && !all.doc.failedIn(all.path(stream.Name)) {
			all.fail(stream.Name, "no keys", "of several streams each needs its own: keys: [{key_file: keys/"+stream.Name+"}]")
		}
	}
	return streams
}

func readStream(name string, s *section, known keyring, renditions []string) Stream {
	stream := defaultStream(name)
	s.name("app", &stream.App)
	s.choice("revoke", &stream.Revoke, RevokeFinish, RevokeEnd)

	play := s.section("play")
	play.flag("keys", &stream.Play.Keys)
	play.flag("loopback", &stream.Play.Loopback)
	play.close()

	stream.Keys = readKeys(s, stream.App, known)
	stream.Hold.read(s.section("hold"))

	stream.Record.read(s.section("record"), stream.Keys)
	stream.HLS.read(s.section("hls"), renditions)
	s.playback(&stream.Playback)
	s.close()
	return stream
}
