package config

import (
	"cmp"
	"fmt"
	"slices"

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

// maxEntries is more than any sensible file has in one place. Each entry is compared with all others: without a limit
// the 150 000 settings that fit into 1 MiB kept a core busy for 33 s.
const maxEntries = 1000

type entry struct {
	key   string
	line  int
	again int // the line where the key stands a second time; 0: nowhere
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
	if n := len(node.Content) / 2; n > maxEntries {
		d.fail(node.Line, field, fmt.Sprintf("%d settings in one place, at most %d are read", n, maxEntries), "")
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
	for i, e := range s.entries {
		if e.key == key.Value {
			s.entries[i].again = cmp.Or(e.again, key.Line)
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
	for _, e := range s.entries {
		if e.key != key {
			continue
		}
		if e.again > 0 && !slices.Contains(s.known, key) {
			s.doc.fail(e.again, s.path(key), fmt.Sprintf("given twice, first on line %d", e.line), "keep one of the two")
		}
		s.known = append(s.known, key)
		return e.value
	}
	s.known = append(s.known, key)
	return nil
}

// close reports the keys that nobody asked for.
func (s *section) close() {
	for _, e := range s.entries {
		if slices.Contains(s.known, e.key) {
			continue
		}
		s.doc.fail(e.line, s.path(showWord(e.key, s.known)), "unknown setting", meantHint(e.key, s.known))
	}
}

// section opens the mapping under key.
func (s *section) section(key string) *section {
	return s.doc.section(s.path(key), s.take(key))
}

// optional opens the mapping under key and tells whether it is there, be it empty.
func (s *section) optional(key string) (sub *section, found bool) {
	return s.section(key), s.has(key)
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
	switch n := len(node.Content); {
	case n == 0:
		s.fail(key, "the list is empty", hint)
	case n > maxEntries:
		s.fail(key, fmt.Sprintf("a list of %d, at most %d are read", n, maxEntries), "")
		return nil
	}
	return node.Content
}
