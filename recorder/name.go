package recorder

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay/naming"
)

const (
	extension = ".mp4"
	// stamp is a session's start in UTC, as ISO 8601 without colons, which some file systems refuse.
	stamp = naming.Stamp
	// temporary ends the names of files that are being made. They are nobody's.
	temporary = ".tmp"
	// joined ends the name of a file that holds all of the parts it is named after, and is whole and on disk, while it
	// takes their place: 2026-11-22T18-00-00Z.part2-5.mkv.joined.
	joined = ".joined"
)

// maxParts is how many files one session may have: a child that dies at once, for a day, every 30 s.
const maxParts = 3000

// partName returns the path of one file of a take: the session's start, and from the second file on a number.
func partName(base string, number int) string {
	if number == 1 {
		return base + extension
	}
	return fmt.Sprintf("%s.part%d%s", base, number, extension)
}

func joinedName(base string, first, last int, c Container) string {
	return fmt.Sprintf("%s.part%d-%d%s%s", base, first, last, c.extension(), joined)
}

// startOf is the start of a take's session.
func startOf(base string) time.Time {
	start, _ := time.Parse(stamp, filepath.Base(base)) // who has a base has looked
	return start
}

// freeName returns the path of a new file of a take. Its number is above all that are there, and nothing is ever
// overwritten.
func freeName(dir, stream string, session time.Time) (string, error) {
	base := filepath.Join(dir, stream, session.UTC().Format(stamp))
	takes, _, err := takesIn(filepath.Dir(base))
	if err != nil && !os.IsNotExist(err) {
		return "", fmt.Errorf("name a recording: %w", err)
	}
	last := 0
	if t := takes[base]; t != nil {
		last = t.last()
	}
	if last >= maxParts {
		return "", fmt.Errorf("name a recording: %s has %d parts already: find out why its recorder keeps failing", base, maxParts)
	}
	return partName(base, last+1), nil
}

// parsePart returns the session's start and the number in a file name that partName gives.
func parsePart(name string) (base string, number int, ok bool) {
	base, found := strings.CutSuffix(name, extension)
	if !found {
		return "", 0, false
	}
	base, part, numbered := strings.Cut(base, ".part")
	number = 1
	if numbered {
		if number, ok = parseNumber(part); !ok || number < 2 {
			return "", 0, false
		}
	}
	return base, number, isStamp(base)
}

// parseJoined is parsePart for the names that joinedName gives.
func parseJoined(name string) (base string, j joining, ok bool) {
	base, found := strings.CutSuffix(name, joined)
	base, numbers, cut := strings.Cut(base, ".part")
	numbers, container, dotted := strings.Cut(numbers, ".")
	from, to, both := strings.Cut(numbers, "-")
	first, firstOK := parseNumber(from)
	last, lastOK := parseNumber(to)
	ok = found && cut && dotted && both && firstOK && lastOK && first <= last && isContainer(container) && isStamp(base)
	return base, joining{first, last, Container(container)}, ok
}

func parseNumber(text string) (n int, ok bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= maxParts && strconv.Itoa(n) == text
}

// isStamp reports whether a name is a session's start.
func isStamp(name string) bool {
	start, err := time.Parse(stamp, name)
	return err == nil && start.Format(stamp) == name // Parse takes fractions of a second too
}

// isLeftover reports whether a finisher that was killed may have left a file of that name.
func isLeftover(name string) bool {
	name, found := strings.CutSuffix(name, temporary)
	for _, beside := range []string{listMark, chaptersMark, sidecarExtension} {
		name = strings.TrimSuffix(name, beside)
	}
	_, _, ok := parsePart(name)
	return found && ok
}
