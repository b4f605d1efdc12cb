package push

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// FieldContract is the setting that holds a Contract. Its own settings follow it: contract.max_gop.
const FieldContract Field = "contract"

// UnmarshalYAML implements yaml.Unmarshaler. Settings that are unknown, doubled or not positive are mistakes, whatever
// the decoder is told; a mistake is an *Error with its line.
func (c *Contract) UnmarshalYAML(node *yaml.Node) error {
	if err := decodeSettings(FieldContract, node, c.settings()); err != nil {
		return err
	}
	known := c.settings()
	for _, name := range c.Weak {
		if _, found := known[name]; !found {
			return &Error{Field: FieldContract + ".weak", Line: node.Line, Problem: fmt.Sprintf("%q is not a setting", name),
				Hint: "known are " + names(known)}
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
			Hint: "write one setting a line; known are " + names(settings)}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		setting, known := settings[key.Value]
		switch field := path + "." + Field(key.Value); {
		case !known:
			return &Error{Field: path, Line: key.Line, Problem: fmt.Sprintf("unknown setting %.40q", key.Value), Hint: "known are " + names(settings)}
		case seen[key.Value]:
			return &Error{Field: field, Line: key.Line, Problem: "given twice", Hint: "keep one of the two"}
		default:
			seen[key.Value] = true
			if err := decodeSetting(field, value, setting); err != nil {
				return err
			}
		}
	}
	return nil
}

func decodeSetting(field Field, node *yaml.Node, setting any) error {
	var mistake *Error
	if err := node.Decode(setting); errors.As(err, &mistake) {
		return mistake
	} else if err != nil {
		return &Error{Field: field, Line: node.Line, Problem: "not understood", Hint: "write it as in " + example(setting)}
	}
	if !positive(reflect.ValueOf(setting).Elem()) {
		return &Error{Field: field, Line: node.Line, Problem: "must be above 0", Hint: "write it as in " + example(setting)}
	}
	return nil
}

// positive reports whether every number in v is above 0: a limit of 0 would mean that there is none.
func positive(v reflect.Value) bool {
	switch {
	case v.CanInt():
		return v.Int() > 0
	case v.CanFloat():
		return v.Float() > 0
	case v.Type() == reflect.TypeFor[[]int]():
		return !slices.ContainsFunc(v.Interface().([]int), func(n int) bool { return n <= 0 })
	}
	return true
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

func names(settings map[string]any) string {
	return strings.Join(slices.Sorted(maps.Keys(settings)), ", ")
}
