package config

// Record is the recording of a stream.
type Record struct {
	Enabled bool // default true
	Room    Room
	Upload  Upload // default: none
	RecordForm
}

func defaultRecord() Record {
	return Record{Enabled: true, Room: defaultRoom(), RecordForm: defaultRecordForm()}
}

// read reads the section record of a stream with these keys.
func (r *Record) read(s *section, keys []Key) {
	s.flag("enabled", &r.Enabled)
	r.Room.read(s)
	r.RecordForm.read(s, keys)
	if upload, found := s.optional("upload"); found {
		r.Upload.read(upload)
	}
	s.close()
}
