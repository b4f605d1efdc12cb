package ffmpeg_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

func TestFileError(t *testing.T) {
	for text, want := range map[string]syscall.Errno{
		// What ffmpeg 5.1.9 wrote: on a tmpfs that was full, an ext4 that was remounted with abort, and in folders that
		// were not there or must not be written.
		"av_interleaved_write_frame(): No space left on device\n[error] Error writing trailer of a.mp4: No space left on device": syscall.ENOSPC,
		"av_interleaved_write_frame(): Read-only file system":                                                                    syscall.EROFS,
		"[error] /nonexistent/take.mp4: No such file or directory":                                                               syscall.ENOENT,
		"take.mp4: Permission denied":                                                                                            syscall.EACCES,
		// As libc says it.
		"a.mp4: Disk quota exceeded":                            syscall.EDQUOT,
		"av_interleaved_write_frame(): Input/output error":      syscall.EIO,
		"a.mp4: No space left on device\nb: Input/output error": syscall.ENOSPC,
		"Server said no space":                                  0,
		"File 'ex.mp4' already exists. Exiting.":                0,
		"":                                                      0,
	} {
		got, found := ffmpeg.FileError(strings.Split(text, "\n"))
		if got != want || found != (want != 0) {
			t.Errorf("%q: %v, %v, want %v", text, got, found, want)
		}
	}
}
