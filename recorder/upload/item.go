package upload

import (
	"path/filepath"
	"time"

	"github.com/restreamd/restreamd/relay/process"
)

// item is a recording in the queue: what its file in the queue's folder says, and what is known of it in this run.
type item struct {
	Stream   string    `json:"stream"`
	File     string    `json:"file"` // below the folder of recordings
	Queued   time.Time `json:"queued"`
	Finished imprint   `json:"finished"` // as it was when it was queued: another is never removed
	Upload   *progress `json:"upload,omitempty"`
	Stored   bool      `json:"stored,omitempty"` // the store proved to have it; what stands beside it may be missing

	status  Status
	next    time.Time // not before
	backoff process.Backoff
}

// Failures wait 2 s first and 5 min at most, spread included.
const (
	firstWait   = 2 * time.Second
	longestWait = 250 * time.Second
)

func newItem(stream, file string, now time.Time) *item {
	i := &item{Stream: stream, File: file, Queued: now}
	i.prepare(now)
	return i
}

// prepare fills in what an item does not keep on disk.
func (i *item) prepare(now time.Time) {
	i.status = Status{Stream: i.Stream, File: i.File, State: Waiting, Since: now, Total: i.Finished.Size}
	i.backoff = process.Backoff{Min: firstWait, Max: longestWait, Healthy: time.Nanosecond}
}

// sidecar is what the recorder says of a recording, beside it.
func sidecar(file string) string { return file + ".json" }

func (i *item) name() string { return filepath.Base(i.File) }

// progress is an upload that was begun.
type progress struct {
	Place    place    `json:"place"`
	File     imprint  `json:"file"` // the parts are of the file as it was then
	PartSize int64    `json:"part_size"`
	ID       string   `json:"id"`   // the store's own
	MD5      []string `json:"md5"`  // of each part, in hexadecimal; "": not read yet
	ETag     []string `json:"etag"` // what the store called each part it took; "": not sent yet
}

// maxParts is how many S3 takes.
const maxParts = 10_000

// newProgress divides a file into parts, larger ones than wished if there would be too many.
func newProgress(at place, file imprint, wished int64) *progress {
	size := max(wished, (file.Size+maxParts-1)/maxParts)
	count := max(1, (file.Size+size-1)/size)
	return &progress{Place: at, File: file, PartSize: size, MD5: make([]string, count), ETag: make([]string, count)}
}

// whole reports whether it is what newProgress makes, wherever it comes from.
func (p *progress) whole() bool {
	return p.PartSize > 0 && len(p.MD5) > 0 && len(p.MD5) == len(p.ETag) &&
		int64(len(p.MD5)) == max(1, (p.File.Size+p.PartSize-1)/p.PartSize)
}

func (p *progress) parts() int { return len(p.MD5) }

// span is where a part, counted from 0, is in the file.
func (p *progress) span(part int) (offset, length int64) {
	offset = int64(part) * p.PartSize
	return offset, min(p.PartSize, p.File.Size-offset)
}

// sent is how many bytes the store has.
func (p *progress) sent() (bytes int64) {
	for i, tag := range p.ETag {
		if tag != "" {
			_, length := p.span(i)
			bytes += length
		}
	}
	return bytes
}
