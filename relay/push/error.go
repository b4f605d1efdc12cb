package push

// Field names the setting of a destination that an Error is about.
type Field string

// The settings that Parse reads.
const (
	FieldPlatform Field = "platform"
	FieldURL      Field = "url"
	FieldKey      Field = "key"
)

// Error is a mistake in a destination, told to the person who wrote it. It never contains the key, nor any part of a
// URL that may hold one.
type Error struct {
	Field   Field
	Problem string // what is wrong
	Hint    string // what to write instead; may be empty
	Line    int    // in the YAML, from 1; 0: not known
}

// Error implements error.
func (e *Error) Error() string {
	text := string(e.Field) + ": " + e.Problem
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}
