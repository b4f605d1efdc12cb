// Package naming makes the names of finished recordings from a template such as
// {stream}/{start:2006-01-02T15-04-05Z}: relative paths that stay below the folder they are put in, that every file
// system and program takes, and that are never taken for a recording which is not finished. It is pure: it looks at no
// file. Only a stream's name and times get into a name beside the template's own words, so no stream key does.
package naming

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// Stamp is the layout of a session's start in UTC: ISO 8601 without colons, which some file systems refuse.
	Stamp = "2006-01-02T15-04-05Z"
	// Default is the template of who says nothing.
	Default = "{stream}/{start:" + Stamp + "}"
)

// Template makes names. The zero Template is Default. Make others by Parse.
type Template struct {
	text   string
	pieces []piece
}

// piece is a part of a template: words as they are, or something to fill in.
type piece struct {
	kind kind
	text string // the words; the layout of a time
}

type kind int

const (
	words kind = iota
	stream
	start
	part
)

// Parse reads a template. What is filled in:
//
//	{stream}         the stream's name
//	{start}          when the session began, in UTC: 2026-11-22T18-00-00Z
//	{start:LAYOUT}   the same in a layout of Go's package time, as in {start:2006/January/02 15h04}
//	{part}           the number of the file in its session, 1 for the first
//
// A template without {part} gets ".partN" added for all but the first file. Slashes make folders. An error is an *Error.
func Parse(text string) (Template, error) {
	if text == "" {
		return Template{}, &Error{"empty", hint}
	}
	t := Template{text: text}
	for rest := text; rest != ""; {
		var own string
		own, rest, _ = cutAt(rest, '{')
		if strings.Contains(own, "}") {
			return Template{}, &Error{"a } without its {", hint}
		}
		if own != "" {
			t.pieces = append(t.pieces, piece{words, own})
		}
		if rest == "" {
			break
		}
		field, behind, closed := strings.Cut(rest[1:], "}")
		if !closed || strings.Contains(field, "{") {
			return Template{}, &Error{"a { without its }", hint}
		}
		p, err := parsePiece(field)
		if err != nil {
			return Template{}, err
		}
		t.pieces, rest = append(t.pieces, p), behind
	}
	if err := t.check(); err != nil {
		return Template{}, err
	}
	return t, nil
}

// cutAt splits a text before a character, which stays.
func cutAt(text string, at byte) (before, rest string, found bool) {
	i := strings.IndexByte(text, at)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i:], true
}

func parsePiece(field string) (piece, error) {
	name, layout, laidOut := strings.Cut(field, ":")
	switch {
	case name == "start" && !laidOut:
		return piece{start, Stamp}, nil
	case name == "start" && sampleA.Format(layout) != sampleB.Format(layout):
		return piece{start, layout}, nil
	case name == "start":
		return piece{}, &Error{"no time behind {start:", "write it as Go does the moment 2006-01-02 15:04:05, as in {start:2006-01-02}"}
	case field == "stream":
		return piece{stream, ""}, nil
	case field == "part":
		return piece{part, ""}, nil
	}
	return piece{}, &Error{"nothing is known by a name in braces", hint}
}

// Name is the path of a file, with slashes and without an extension. It is relative and stays below the folder it is put
// in, as long as the stream's name has no slash and no leading dot. number is the file's in its session, from 1.
func (t Template) Name(streamName string, session time.Time, number int) string {
	var b strings.Builder
	counted := false
	for _, p := range t.all() {
		switch p.kind {
		case words:
			b.WriteString(p.text)
		case stream:
			b.WriteString(streamName)
		case start:
			b.WriteString(session.UTC().Format(p.text))
		case part:
			b.WriteString(strconv.Itoa(number))
			counted = true
		}
	}
	if !counted && number > 1 {
		fmt.Fprintf(&b, ".part%d", number)
	}
	return b.String()
}

func (t Template) all() []piece {
	if len(t.pieces) == 0 {
		return []piece{{stream, ""}, {words, "/"}, {start, Stamp}}
	}
	return t.pieces
}

// String is the template as it was written.
func (t Template) String() string {
	if t.text == "" {
		return Default
	}
	return t.text
}
