package hls

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// compactAfter is how many lines a journal may have that say nothing any more, beside as many as those that do.
const compactAfter = 1000

// journal is the list of a session's segments on disk: a line of JSON for each, in order. It alone is the truth; a
// playlist is what is made of it. A line that was not finished, because the relay was killed or the disk is full,
// counts as not written.
type journal struct {
	path   string
	size   int64 // of what was written whole
	lines  int
	target int // newest target duration in it
}

// entry is one line: a segment, or the session's target duration from there on.
type entry struct {
	Segment *segment `json:"segment,omitempty"`
	Target  int      `json:"target,omitempty"`
}

// readJournal returns the segments, none where there is no journal.
func readJournal(dir string) (j journal, all []segment, err error) {
	j.path = filepath.Join(dir, journals)
	text, err := os.ReadFile(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil, nil
	}
	if err != nil {
		return j, nil, fmt.Errorf("read journal: %w", err)
	}
	for len(text) > 0 {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		var e entry
		if !whole || json.Unmarshal(line, &e) != nil {
			break
		}
		if e.Segment != nil {
			all = append(all, *e.Segment)
		}
		j.target = max(j.target, e.Target)
		j.size += int64(len(line)) + 1
		j.lines++
		text = rest
	}
	return j, all, nil
}

// append adds lines behind what was written whole.
func (j *journal) append(entries ...entry) error {
	f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("keep journal: %w", err)
	}
	defer f.Close() //nolint:errcheck // what was not written was told by Write
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	for _, e := range entries {
		if err := enc.Encode(e); err != nil {
			return fmt.Errorf("keep journal: %w", err)
		}
	}
	if err := f.Truncate(j.size); err != nil {
		return fmt.Errorf("keep journal: %w", err)
	}
	n, err := f.WriteAt(text.Bytes(), j.size)
	if err != nil {
		return fmt.Errorf("keep journal: %w", err)
	}
	j.size += int64(n)
	j.lines += len(entries)
	for _, e := range entries {
		j.target = max(j.target, e.Target)
	}
	return nil
}

// compact writes the journal anew where most of it is about segments that are gone.
func (j *journal) compact(all []segment, target int) error {
	if j.lines < 2*len(all)+compactAfter {
		return nil
	}
	var text bytes.Buffer
	w := bufio.NewWriter(&text)
	enc := json.NewEncoder(w)
	err := enc.Encode(entry{Target: target})
	for i := range all {
		err = errors.Join(err, enc.Encode(entry{Segment: &all[i]}))
	}
	if err = errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	if err := replace(j.path, text.Bytes()); err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	j.size, j.lines, j.target = int64(text.Len()), len(all)+1, target
	return nil
}

// replace writes a file whole or not at all: who reads it meanwhile sees what it was before.
func replace(name string, text []byte) error {
	tmp := name + ".new"
	if err := os.WriteFile(tmp, text, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, name)
}
