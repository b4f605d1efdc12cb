package naming

import (
	"path"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of a name, in bytes. Files beside a recording add to its name, and file systems take 255.
const (
	maxElement = 200
	maxName    = 1000
)

const hint = "what is filled in is {stream}, {start}, {start:2006-01-02} and {part}"

// foreign are characters that exFAT, NTFS or SMB refuse: recordings are on such disks too.
const foreign = `\:*?"<>|`

// Two sessions that have nothing in common but the century, and a longest name of a stream: templates are tried with them.
var (
	sampleA = time.Date(2031, time.May, 3, 4, 5, 6, 70_000_000, time.UTC)
	sampleB = time.Date(2029, time.October, 28, 23, 59, 48, 123_000_000, time.UTC)
)

// Error is what is wrong with a template.
type Error struct {
	Problem string
	Hint    string // what to write instead
}

func (e *Error) Error() string { return e.Problem + " (" + e.Hint + ")" }

// check tries a template: what it makes must be a name of a file that can be put below a folder.
func (t Template) check() error {
	for _, session := range []time.Time{sampleA, sampleB} {
		for _, number := range []int{1, 3000} {
			if err := checkName(t.Name(strings.Repeat("s", 64), session, number)); err != nil {
				return err
			}
		}
		if err := t.checkStamp(session); err != nil {
			return err
		}
	}
	return nil
}

func checkName(name string) error {
	switch {
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return &Error{"a character that cannot be seen", "use letters, digits and signs"}
	case strings.ContainsAny(name, foreign):
		return &Error{"a character that some disks refuse", "use none of " + foreign}
	case strings.HasPrefix(name, "/"):
		return &Error{"an absolute path", "it begins in the folder of recordings: leave out the first /"}
	case len(name) > maxName:
		return &Error{"too long", "use less than 900 characters"}
	}
	for _, element := range strings.Split(name, "/") {
		if err := checkElement(element); err != nil {
			return err
		}
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) { // nothing gets here; the promise is worth a second look
		return &Error{"it leads out of the folder of recordings", hint}
	}
	for _, extension := range []string{".mp4", ".mkv", ".ts", ".json"} {
		if strings.HasSuffix(strings.ToLower(name), extension) {
			return &Error{"it ends in " + extension, "leave that out: it is added as the container says"}
		}
	}
	return nil
}

func checkElement(name string) error {
	switch {
	case name == "":
		return &Error{"a folder without a name", "write one / between two names, and none at the end"}
	case name == "..":
		return &Error{"it leads out of the folder of recordings", "leave out .."}
	case name[0] == '.':
		return &Error{"a hidden name", "begin no name with a dot"}
	case strings.TrimSpace(name) != name:
		return &Error{"a space at the end of a name", "leave it out"}
	case len(name) > maxElement:
		return &Error{"too long a name", "use less than 130 characters between two /"}
	}
	return nil
}

// checkStamp refuses names that recordings have which are not finished: one could be taken for the part of another session.
func (t Template) checkStamp(session time.Time) error {
	own := session.Format(Stamp)
	for _, number := range []int{1, 2} {
		last := path.Base(t.Name("main", session, number))
		begin, part, parted := strings.Cut(last, ".part")
		if parsed, err := time.Parse(Stamp, begin); err != nil || parsed.Format(Stamp) != begin {
			continue
		}
		if begin != own || number == 1 && parted || number == 2 && part != "2" {
			return &Error{"it looks like another recording that is not finished", "add a word to it, as in {stream}/show {start}"}
		}
	}
	return nil
}
