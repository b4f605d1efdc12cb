package config

// Record is the recording of a stream.
type Record struct {
	Enabled bool   // default true
	Upload  Upload // default: none
}

func defaultRecord() Record { return Record{Enabled: true} }

func (r *Record) read(s *section) {
	s.flag("enabled", &r.Enabled)
	if upload, found := s.optional("upload"); found {
		r.Upload.read(upload)
	}
	s.close()
}
