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
	Changed  int64  `json:"changed"`  // the same
	Inode    uint64 `json:"inode"`
}

func imprintOf(info fs.FileInfo) imprint {
	i := imprint{Size: info.Size(), Modified: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		i.Inode, i.Changed = st.Ino, st.Ctim.Nano()
	}
	return i
}
