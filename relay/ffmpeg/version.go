package ffmpeg

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
)

// Version of ffmpeg. Major is 0 where it could not be found out.
type Version struct {
	Major, Minor int
	Text         string // as ffmpeg prints it: "5.1.9-0+deb12u1", "N-109741-gbbe95f7353"
}

// String returns the text.
func (v Version) String() string { return v.Text }

// AtLeast reports whether v is that release or a later one. An unknown version is none.
func (v Version) AtLeast(major, minor int) bool {
	return cmp.Or(cmp.Compare(v.Major, major), cmp.Compare(v.Minor, minor)) >= 0
}

// parseVersion reads what ffmpeg -version prints.
func parseVersion(output string) (Version, error) {
	text := regexp.MustCompile(`(?m)^ffmpeg version (\S+)`).FindStringSubmatch(output)
	if text == nil {
		return Version{}, fmt.Errorf("no ffmpeg version in %.80q", output)
	}
	v := Version{Text: text[1]}
	if release := regexp.MustCompile(`^n?(\d+)\.(\d+)`).FindStringSubmatch(v.Text); release != nil {
		v.Major, v.Minor = number(release[1]), number(release[2])
		return v, nil
	}
	// A build from the repository names a commit; its libavformat tells which release it is at least as new as.
	if lib := regexp.MustCompile(`(?m)^libavformat\s+(\d+)\.\s*(\d+)\.`).FindStringSubmatch(output); lib != nil {
		v.Major, v.Minor = releaseOf(number(lib[1]), number(lib[2]))
	}
	return v, nil
}

// releaseOf is the newest release whose libavformat is not newer (doc/APIchanges and the releases' own versions).
func releaseOf(major, minor int) (int, int) {
	for _, r := range []struct{ lib, libMinor, major, minor int }{
		{62, 3, 8, 0}, {61, 7, 7, 1}, {61, 1, 7, 0}, {60, 16, 6, 1}, {60, 3, 6, 0}, {59, 27, 5, 1}, {59, 16, 5, 0}, {58, 76, 4, 4},
	} {
		if major > r.lib || major == r.lib && minor >= r.libMinor {
			return r.major, r.minor
		}
	}
	return 0, 0
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
