package config

// Audio is which sound a destination gets.
type Audio struct {
	Silence bool // a stream without audio gets silence; default false
	Track   int  // as OBS counts them, from 1 to 6; default 1
}

func (a *Audio) read(s *section) {
	a.Track = 1
	s.flag("silence_if_missing", &a.Silence)
	s.count("track", &a.Track, 1, 6)
	s.close()
}
