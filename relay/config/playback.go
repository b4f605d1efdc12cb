package config

// Who may watch a stream over HTTP, as HLS, DASH, FLV, in the player or as a thumbnail: Stream.Playback.
const (
	PlaybackPublic = "public" // whoever reaches the port
	PlaybackToken  = "token"  // whoever has a token for playing: restreamd token --action play
	PlaybackNone   = "none"   // nobody
)

func (s *section) playback(value *string) {
	s.choice("playback", value, PlaybackPublic, PlaybackToken, PlaybackNone)
}

// checkPlayback makes sure that tokens can be checked where they are asked for.
func (c *Config) checkPlayback(streams *section) {
	if j := c.Auth.JWT; j.SecretFile+j.PublicKeyFile+j.JWKS != "" || streams.doc.failedIn("auth") {
		return
	}
	for _, s := range c.Streams {
		if s.Playback == PlaybackToken {
			streams.doc.fail(streams.lineOf(s.Name), streams.path(s.Name)+".playback",
				"there is nothing to check viewers' tokens with", "set auth: {jwt: {secret_file: jwt.secret}}")
		}
	}
}
