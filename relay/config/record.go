package config

// Record is the recording of a stream.
type Record struct {
	Enabled bool // default true
	Room    Room
}

func defaultRecord() Record { return Record{Enabled: true, Room: defaultRoom()} }

func (r *Record) read(s *section) {
	s.flag("enabled", &r.Enabled)
	r.Room.read(s)
	s.close()
}
