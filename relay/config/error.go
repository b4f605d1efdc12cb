package config

import "strconv"

// Error is one mistake in a file, told to the person who wrote it. It never shows a key.
type Error struct {
	File    string
	Line    int    // from 1; 0: the file as a whole
	Field   string // as in streams.main.app; may be empty
	Problem string
	Hint    string // what to write instead; may be empty
}

// Error implements error: restreamd.yml:12: streams.main.app: problem (hint).
func (e *Error) Error() string {
	text := e.File + ": "
	if e.Line > 0 {
		text = e.File + ":" + strconv.Itoa(e.Line) + ": "
	}
	if e.Field != "" {
		text += e.Field + ": "
	}
	text += e.Problem
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}
