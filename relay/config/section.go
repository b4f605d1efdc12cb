package config

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// section reads one YAML mapping. Its methods take the value of a key if it is there, report what is wrong with it,
// and leave the default alone otherwise. close reports the keys that nobody took.
type section struct {
	doc     *document
	field   string // path of the mapping: streams.main; empty for the document
	line    int
	entries []entry
	known   []string // every key that was asked for
	broken  bool     // not a mapping; reported already
}

type entry struct {
	key   string
	line  int
	value *yaml.Node
}

// section opens the mapping in node. A nil or empty node is a section without entries.
func (d *document) section(field string, node *yaml.Node) *section {
	s := &section{doc: d, field: field}
	if node == nil {
		return s
	}
	s.line = node.Line
	if isNull(node) {
		return s
	}
	if node.Kind != yaml.MappingNode {
		d.fail(node.Line, field, "not a list of settings", "write one setting a line, as in name: value")
		s.broken = true
		return s
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		s.add(node.Content[i], node.Content[i+1])
	}
	return s
}

func (s *section) add(key, value *yaml.Node) {
	if key.Kind != yaml.ScalarNode {
		s.doc.fail(key.Line, s.field, "the name of a setting is not a word", "write name: value")
		return
	}
	for _, e := range s.entries {
		if e.key == key.Value {
			s.doc.fail(key.Line, s.path(showName(key.Value)), fmt.Sprintf("given twice, first on line %d", e.line),
				"keep one of the two")
			return
		}
	}
	s.entries = append(s.entries, entry{key: key.Value, line: key.Line, value: value})
}

// path is the field's name in errors.
func (s *section) path(key string) string {
	if s.field == "" {
		return key
	}
	return s.field + "." + key
}

func (s *section) has(key string) bool {
	return slices.ContainsFunc(s.entries, func(e entry) bool { return e.key == key })
}

// lineOf is where key stands or, where it is missing, where the section begins.
func (s *section) lineOf(key string) int {
	for _, e := range s.entries {
		if e.key == key {
			return e.line
		}
	}
	return s.line
}

func (s *section) fail(key, problem, hint string) {
	s.doc.fail(s.lineOf(key), s.path(key), problem, hint)
}

// take returns the value of key; nil when it is not there.
func (s *section) take(key string) *yaml.Node {
	s.known = append(s.known, key)
	for _, e := range s.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// close reports the keys that nobody asked for.
func (s *section) close() {
	for _, e := range s.entries {
		if slices.Contains(s.known, e.key) {
			continue
		}
		hint := "known are " + strings.Join(s.known, ", ")
		if near := nearest(e.key, s.known); near != "" {
			hint = "did you mean " + near + "?"
		}
		s.doc.fail(e.line, s.path(showName(e.key)), "unknown setting", hint)
	}
}

// section opens the mapping under key.
func (s *section) section(key string) *section {
	return s.doc.section(s.path(key), s.take(key))
}

// list returns the items under key.
func (s *section) list(key, hint string) []*yaml.Node {
	node := s.take(key)
	if node == nil {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		s.fail(key, "not a list", hint)
		return nil
	}
	if len(node.Content) == 0 {
		s.fail(key, "the list is empty", hint)
	}
	return node.Content
}

// scalar returns the text under key as it is written.
func (s *section) scalar(key string) (text string, found bool) {
	node := s.take(key)
	if node == nil {
		return "", false
	}
	text, problem := scalarText(node)
	if problem != "" {
		s.fail(key, problem, "write a value behind the colon, or remove the line")
		return "", false
	}
	return text, true
}

func (s *section) text(key string, value *string) {
	if text, found := s.scalar(key); found {
		*value = text
	}
}

func (s *section) flag(key string, value *bool) {
	text, found := s.scalar(key)
	switch {
	case !found:
	case text == "true":
		*value = true
	case text == "false":
		*value = false
	default:
		s.fail(key, "neither true nor false", "write true or false")
	}
}

func (s *section) count(key string, value *int, least, most int) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		s.fail(key, "not a number in range", fmt.Sprintf("write a whole number from %d to %d", least, most))
		return
	}
	*value = n
}

func (s *section) duration(key string, value *time.Duration, least, most time.Duration) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		s.fail(key, "not a duration in range", fmt.Sprintf("write one from %v to %v, with its unit, as in %v", least, most, *value))
		return
	}
	*value = d
}

// address takes host:port; the host may be empty for every interface.
func (s *section) address(key string, value *string) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		s.fail(key, "not an address to listen on", fmt.Sprintf("write host:port, as in %q", *value))
		return
	}
	*value = text
}

// name takes a name of the form that streams and apps have.
func (s *section) name(key string, value *string) {
	text, found := s.scalar(key)
	if !found {
		return
	}
	if !validName.MatchString(text) {
		s.fail(key, "not a name", nameHint)
		return
	}
	*value = text
}

// validName is safe as a file name, in a URL and as an RTMP app.
var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

const nameHint = "use 1 to 64 of the characters A-Z a-z 0-9 _ -"

// scalarText refuses what only looks like a text: nothing, lists, and values that a YAML tag would change.
func scalarText(node *yaml.Node) (text, problem string) {
	switch {
	case isNull(node), node.Kind == yaml.ScalarNode && node.Value == "":
		return "", "empty"
	case node.Kind != yaml.ScalarNode, node.Style&yaml.TaggedStyle != 0:
		return "", "not a single value"
	}
	return node.Value, ""
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}
