package config

import "time"

// Room is how much of the disk a stream's recordings may take: the settings keep, max_size and min_free of record.
type Room struct {
	Keep    time.Duration // age at which a finished take is removed; default 0: never
	MaxSize int64         // bytes that all takes of the stream may have; default 0: no limit
	// MinFree is how many bytes of the file system recordings leave free. Below it the oldest finished takes go, then
	// recording stops until there is room. Default 1 GB, at which recording stops and nothing is removed.
	MinFree int64
	// Removes is true when the file has one of the three: recordings of somebody who never asked for any to be removed
	// are not, whatever else fills the disk.
	Removes bool
}

func defaultRoom() Room { return Room{MinFree: 1e9} }

func (r *Room) read(s *section) {
	for _, key := range []string{"keep", "max_size", "min_free"} {
		r.Removes = r.Removes || s.has(key)
	}
	s.age("keep", &r.Keep, 36500*day)
	s.sizeOrNone("max_size", &r.MaxSize)
	s.sizeOrNone("min_free", &r.MinFree)
}

// sizeOrNone takes a number of bytes; 0, for none, needs no unit.
func (s *section) sizeOrNone(key string, value *int64) {
	for _, e := range s.entries {
		if e.key == key && e.value.Value == "0" {
			s.take(key)
			*value = 0
			return
		}
	}
	s.size(key, value, 0, 1e15)
}
