package config

// Record is the recording of a stream.
type Record struct {
	Enabled bool // default true
}

func defaultRecord() Record { return Record{Enabled: true} }

func (r *Record) read(s *section) {
	s.flag("enabled", &r.Enabled)
	s.close()
}
