package output

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
)

const (
	// minRoom is what must be free on the disk of an output that writes files, in bytes. Below, its child is ended while
	// there is room for its last words, and no other is started: each would leave an empty file. ffmpeg's HLS muxer does
	// not even notice: on a full disk it went on for minutes, with segments and a playlist of 0 bytes (5.1.9).
	minRoom = 1 << 20
	// probeSize is what is written to see that a disk takes it, in bytes.
	probeSize = 64 << 10
)

var errGone = trouble{errors.New("its file is gone: the folder was moved or removed; it is made again"), Disk}

// room says what keeps a child from writing to its folders, as far as that can be asked for. A disk that has just
// failed is asked by a try: quotas, rights and broken disks are not seen otherwise.
func room(job ffmpeg.Job, failed bool) error {
	if len(job.Watch) == 0 {
		return nil
	}
	for _, dir := range job.Dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return diskTrouble(dir, err)
		}
		if err := hasRoom(dir); err != nil {
			return err
		}
		if !failed {
			continue
		}
		if err := probe(dir); err != nil {
			return diskTrouble(dir, err)
		}
	}
	return nil
}

// hasRoom asks the file system of a folder. One that cannot be asked has room: the child will tell.
func hasRoom(dir string) error {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return nil
	}
	switch {
	case st.Flags&unix.ST_RDONLY != 0:
		return diskTrouble(dir, syscall.EROFS)
	case int64(st.Bavail)*st.Bsize < minRoom:
		return diskTrouble(dir, syscall.ENOSPC)
	}
	return nil
}

func probe(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeSize))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// diskTrouble says what an error of a file system means, and what to do.
func diskTrouble(dir string, err error) error {
	words := fmt.Sprintf("%s cannot be written (%v)", dir, err)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		words = "the disk is full: remove files from the one that holds " + dir
	case errors.Is(err, syscall.EROFS):
		words = dir + " is on a file system that is read-only, as a failing disk makes it: see dmesg, and mount it for writing"
	case errors.Is(err, syscall.EIO):
		words = "the disk that holds " + dir + " fails: see dmesg, and use another"
	case errors.Is(err, fs.ErrPermission):
		words = dir + " must not be written: give the relay's user the right to (chown, chmod)"
	case errors.Is(err, syscall.ENOTDIR):
		words = dir + " is no folder: something else has its name, or that of one above it"
	}
	return trouble{&plain{words + "; it goes on by itself once that is mended", err}, Disk}
}

// plain is an error in other words than its cause's.
type plain struct {
	words string
	cause error
}

func (p *plain) Error() string { return p.words }

func (p *plain) Unwrap() error { return p.cause }

// fileTrouble is what the end of a child that writes files tells of its disk; nil: nothing.
func fileTrouble(job ffmpeg.Job, exit process.Exit) error {
	if len(job.Watch) == 0 || exit.Code <= 0 || exit.Asked {
		return nil
	}
	errno, found := ffmpeg.FileError(exit.Lines)
	if !found {
		return nil
	}
	return failure{diskTrouble(filepath.Dir(job.Watch[0]), errno), exit.Ran()}
}

// onDisk returns a look at the disk of a child that writes files.
func onDisk(job ffmpeg.Job) func() error {
	files := lost{files: job.Watch}
	return func() error {
		for _, dir := range job.Dirs {
			if err := hasRoom(dir); err != nil {
				return err
			}
		}
		return files.look()
	}
}

// lost tells when all of some files are gone that had been there. A file that takes another's place may be away for a
// moment.
type lost struct {
	files []string
	seen  bool
	away  int // looks in a row
}

func (l *lost) look() error {
	for _, name := range l.files {
		if _, err := os.Stat(name); err == nil {
			l.seen, l.away = true, 0
			return nil
		}
	}
	if l.away++; l.seen && l.away > 1 {
		return errGone
	}
	return nil
}
