package config

// Record is the recording of a stream.
type Record struct {
	Enabled bool // default true
	RecordForm
}

func defaultRecord() Record { return Record{Enabled: true, RecordForm: defaultRecordForm()} }

// read reads the section record of a stream with these keys.
func (r *Record) read(s *section, keys []Key) {
	s.flag("enabled", &r.Enabled)
	r.RecordForm.read(s, keys)
	s.close()
}
