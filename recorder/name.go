package recorder

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	extension = ".mp4"
	// stamp is a session's start in UTC, as ISO 8601 without colons, which some file systems refuse.
	stamp = "2006-01-02T15-04-05Z"
	// unfinished ends the name of a copy that is being made. It is no take.
	unfinished = extension + ".tmp"
)

// maxParts is how many files one session may have: a child that dies at once, for a day, every 30 s.
const maxParts = 3000

// freeName returns the path of a new file of a take: the session's start, and from the second file on a number. It
// never names a file that exists: what is recorded is not overwritten.
func freeName(dir, stream string, session time.Time) (string, error) {
	base := filepath.Join(dir, stream, session.UTC().Format(stamp))
	for part := 1; part <= maxParts; part++ {
		name := base + extension
		if part > 1 {
			name = fmt.Sprintf("%s.part%d%s", base, part, extension)
		}
		switch _, err := os.Lstat(name); {
		case os.IsNotExist(err):
			return name, nil
		case err != nil:
			return "", fmt.Errorf("name a recording: %w", err)
		}
	}
	return "", fmt.Errorf("name a recording: %s has %d parts already: find out why its recorder keeps failing", base, maxParts)
}

// isTake reports whether a file's name is one freeName gives.
func isTake(name string) bool {
	base, found := strings.CutSuffix(name, extension)
	if !found {
		return false
	}
	base, part, numbered := strings.Cut(base, ".part")
	if n, err := strconv.Atoi(part); numbered && (err != nil || n < 2 || n > maxParts || strconv.Itoa(n) != part) {
		return false
	}
	start, err := time.Parse(stamp, base)
	return err == nil && start.Format(stamp) == base // Parse takes fractions of a second too
}
