package push

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// FieldContract is the setting that holds a Contract. Its own settings follow it: contract.max_gop.
const FieldContract Field = "contract"

// UnmarshalYAML implements yaml.Unmarshaler. Settings that are unknown, doubled or out of range are mistakes, whatever
// the decoder is told; a mistake is an *Error with its line.
func (c *Contract) UnmarshalYAML(node *yaml.Node) error {
	known := c.settings()
	if err := decodeSettings(FieldContract, node, known); err != nil {
		return err
	}
	for _, name := range c.Weak {
		if _, found := known[name]; !found {
			return unknownName(FieldContract+".weak", node.Line, name, known)
		}
	}
	return nil
}

// UnmarshalYAML implements yaml.Unmarshaler, as strictly as that of Contract.
func (r *Rung) UnmarshalYAML(node *yaml.Node) error {
	return decodeSettings(FieldContract+".ladder", node, map[string]any{
		"height": &r.Height,
		"fps":    &r.FPS,
		"min":    (*bitrate)(&r.Min),
		"max":    (*bitrate)(&r.Max),
	})
}

func decodeSettings(path Field, node *yaml.Node, settings map[string]any) error {
	if node.Kind != yaml.MappingNode {
		return &Error{Field: path, Line: node.Line, Problem: "not a list of settings",
			Hint: "write one setting a line; known are " + strings.Join(names(settings), ", ")}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		setting, known := settings[key.Value]
		switch field := path + "." + Field(key.Value); {
		case !known:
			return unknownName(path, key.Line, key.Value, settings)
		case seen[key.Value]:
			return &Error{Field: field, Line: key.Line, Problem: "given twice", Hint: "keep one of the two"}
		default:
			seen[key.Value] = true
			if err := decodeSetting(field, value, setting); err != nil {
				return err
			}
			if problem, hint := check(key.Value, setting); problem != "" {
				return &Error{Field: field, Line: value.Line, Problem: problem, Hint: hint}
			}
		}
	}
	return nil
}

// unknownName quotes the name only where a known one was meant: any other may be a pasted key.
func unknownName(field Field, line int, name string, settings map[string]any) *Error {
	mistake := &Error{Field: field, Line: line, Problem: "unknown setting", Hint: "known are " + strings.Join(names(settings), ", ")}
	if near := Nearest(name, names(settings)); near != "" {
		mistake.Problem += fmt.Sprintf(" %q", name)
		mistake.Hint = "did you mean " + near + "?"
	}
	return mistake
}

const (
	maxItems = 100 // of one list: more than any platform takes
	maxCodec = 32  // bytes of the name of a codec
)

// check finds what decoding lets pass: numbers out of range, and names of codecs that are not fit to be shown.
func check(name string, setting any) (problem, hint string) {
	if s, found := spanOf(name); found && slices.ContainsFunc(numbers(setting), s.misses) {
		return "out of range", "write " + s.text
	}
	odd := func(codec string) bool { return codec == "" || len(codec) > maxCodec || !printable(codec) }
	if strings.HasSuffix(name, "_codecs") && slices.ContainsFunc(*setting.(*[]string), odd) {
		return "not the name of a codec", "write it as in H.264 or AAC"
	}
	return "", ""
}

func decodeSetting(field Field, node *yaml.Node, setting any) error {
	if n := len(node.Content); n > maxItems {
		return &Error{Field: field, Line: node.Line, Problem: fmt.Sprintf("a list of %d, at most %d are read", n, maxItems)}
	}
	var mistake *Error
	if err := node.Decode(setting); errors.As(err, &mistake) {
		return mistake
	} else if err != nil {
		return &Error{Field: field, Line: node.Line, Problem: "not understood", Hint: "write it as in " + example(setting)}
	}
	return nil
}

func example(setting any) string {
	switch setting.(type) {
	case *bitrate:
		return "6000kbps"
	case *time.Duration:
		return "2s"
	case *[]string:
		return "[one, another]"
	case *[]int:
		return "[48000, 44100]"
	case *bool:
		return "true"
	case *[]Rung:
		return "[{height: 1080, fps: 60, max: 9000kbps}]"
	}
	return "60"
}

func names(settings map[string]any) []string {
	return slices.Sorted(maps.Keys(settings))
}
