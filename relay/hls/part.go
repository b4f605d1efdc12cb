package hls

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// part is what one packaging child writes, and how far the composer has followed it.
type part struct {
	id   string
	last int64     // number of the newest segment that was taken, the child's own
	at   time.Time // when the next segment begins
	seen stamped   // the child's playlist when it was read last
}

// stamped tells one version of a file from another.
type stamped struct {
	at   time.Time
	size int64
}

// news reads a child's playlist if it has changed.
func (p *part) news(path string) ([]written, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read what the packager wrote: %w", err)
	}
	now := stamped{info.ModTime(), info.Size()}
	if now == p.seen {
		return nil, nil
	}
	all, err := readPart(path)
	if err == nil {
		p.seen = now
	}
	return all, err
}

// partFile is the playlist of one child. Its name says when its media begins, in milliseconds of the wall clock on the
// programme's own timeline, and how many children the session had before.
type partFile struct {
	path, id string
	begin    int64
	number   int
}

var partPattern = regexp.MustCompile(`^(\d{1,16})-(\d{1,9})\.m3u8$`)

// partFiles lists a session's, in the order in which the children ran.
func partFiles(dir string) ([]partFile, error) {
	entries, err := os.ReadDir(filepath.Join(dir, partsDir))
	if err != nil {
		if os.IsNotExist(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("list parts: %w", err)
	}
	var files []partFile
	for _, e := range entries {
		m := partPattern.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		f := partFile{path: filepath.Join(dir, partsDir, e.Name()), id: m[1]}
		f.begin, _ = strconv.ParseInt(m[1], 10, 64)
		f.number, _ = strconv.Atoi(m[2])
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b partFile) int {
		if a.begin != b.begin {
			return int(max(min(a.begin-b.begin, 1), -1))
		}
		return a.number - b.number
	})
	return files, nil
}

// written is one segment as a child lists it.
type written struct {
	name, initName string
	number         int64
	length         float64
}

// readPart reads a child's playlist, which ffmpeg replaces whole. Lines it does not know mean nothing here.
func readPart(name string) ([]written, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read what the packager wrote: %w", err)
	}
	var all []written
	var next written
	for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
		line := strings.TrimSpace(sc.Text())
		switch {
		case strings.HasPrefix(line, "#EXT-X-MAP:"):
			_, rest, _ := strings.Cut(line, `URI="`)
			uri, _, _ := strings.Cut(rest, `"`)
			next.initName = filepath.Base(uri)
		case strings.HasPrefix(line, "#EXTINF:"):
			number, _, _ := strings.Cut(line[len("#EXTINF:"):], ",")
			next.length, _ = strconv.ParseFloat(number, 64)
		case line != "" && line[0] != '#':
			next.name = filepath.Base(line)
			m := segmentName(next.name)
			if m.part == "" || next.length <= 0 {
				return nil, fmt.Errorf("read what the packager wrote: %s: %q is no segment", name, line)
			}
			next.number = m.number
			all = append(all, next)
			next.length = 0
		}
	}
	return all, nil
}
