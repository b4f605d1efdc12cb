package upload

import (
	"io/fs"
	"syscall"
)

// imprint tells a file from what it was: whoever writes to a file, or puts another in its place, changes it. It is the
// inode's change time that cannot be set back, as the other times can.
type imprint struct {
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"` // ns since 1970
	Changed  int64  `json:"changed"`  // the same; 0 where the file had another name as well, which changes it when it goes
	Inode    uint64 `json:"inode"`
}

func imprintOf(info fs.FileInfo) imprint {
	i := imprint{Size: info.Size(), Modified: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		i.Inode = st.Ino
		if st.Nlink == 1 {
			i.Changed = st.Ctim.Nano()
		}
	}
	return i
}

// is reports whether two imprints are of one file that nobody changed in between.
func (i imprint) is(o imprint) bool {
	if i.Changed == 0 || o.Changed == 0 {
		i.Changed, o.Changed = 0, 0
	}
	return i == o
}
