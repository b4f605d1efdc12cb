package config

import (
	"strconv"
	"strings"
	"unicode"
)

// Error is one mistake in a file, told to the person who wrote it. It never shows a key.
type Error struct {
	File    string
	Line    int    // from 1; 0: the file as a whole
	Field   string // as in streams.main.app; may be empty
	Problem string
	Hint    string // what to write instead; may be empty
}

// maxMessage is as many bytes about one mistake as a person reads, and a log should hold, besides the file's name.
const maxMessage = 500

// Error implements error: restreamd.yml:12: streams.main.app: problem (hint).
func (e *Error) Error() string {
	place := e.File
	if e.Line > 0 {
		place += ":" + strconv.Itoa(e.Line)
	}
	text := e.Problem
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return visible(place + ": " + text)
}

// visible writes what terminals would obey or hide as Go does: \x1b. A file may be named so.
func visible(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}
