package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is one YAML file being read. It collects every mistake instead of stopping at the first.
type document struct {
	file     string
	problems []*Error
	notes    []string // each once
	around   surroundings
}

func (d *document) fail(line int, field, problem, hint string) {
	d.problems = append(d.problems, &Error{d.file, line, field, problem, hint})
}

// note keeps a note for the person who wrote the file, once.
func (d *document) note(text string) {
	if !slices.Contains(d.notes, text) {
		d.notes = append(d.notes, text)
	}
}

// noteExposed warns when everybody can read the secret in the file at path.
func (d *document) noteExposed(path string) {
	if note := d.around.exposedNote(path); note != "" {
		d.note(note)
	}
}

// failedIn reports whether a mistake was found in the section field.
func (d *document) failedIn(field string) bool {
	return slices.ContainsFunc(d.problems, func(e *Error) bool {
		return e.Field == field || strings.HasPrefix(e.Field, field+".")
	})
}

// maxProblems is as many mistakes as a person reads, and a log should hold, of one file.
const maxProblems = 20

// err joins the mistakes in the order of their lines; nil without any.
func (d *document) err() error {
	slices.SortStableFunc(d.problems, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	var all []error
	for i, problem := range d.problems {
		if i == maxProblems {
			rest := fmt.Sprintf("%d more mistakes", len(d.problems)-i)
			all = append(all, &Error{d.file, problem.Line, "", rest, "put these right first"})
			break
		}
		all = append(all, problem)
	}
	return errors.Join(all...)
}

// parse returns the content of the only document in data; nil when there is none, or a mistake.
func (d *document) parse(data []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root, second yaml.Node
	err := decoder.Decode(&root)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		d.failSyntax(err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		d.fail(second.Line, "", "a second document begins here", "keep one document a file")
	case !errors.Is(err, io.EOF):
		d.failSyntax(err)
	}
	d.refuseAliases(&root)
	if len(d.problems) > 0 || len(root.Content) == 0 {
		return nil
	}
	return root.Content[0]
}

// refuseAliases keeps a small file from growing without limit while it is read.
func (d *document) refuseAliases(node *yaml.Node) {
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		d.fail(node.Line, "", "YAML anchors and aliases are not allowed", `quote a value that begins with & or *: "*x"`)
	}
	for _, child := range node.Content {
		d.refuseAliases(child)
	}
}

// syntaxError is how the YAML package words its errors.
var syntaxError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func (d *document) failSyntax(err error) {
	line, problem := 1, err.Error()
	if match := syntaxError.FindStringSubmatch(problem); match != nil {
		problem = match[2]
		if n, err := strconv.Atoi(match[1]); err == nil {
			line = n
		}
	}
	hint := ""
	switch {
	case strings.HasPrefix(problem, "unknown anchor"):
		// The package quotes the name of the anchor, which may be a key that begins with an asterisk.
		line, problem, hint = 0, "YAML anchors and aliases are not allowed", `quote a value that begins with & or *: "*x"`
	case strings.Contains(problem, "cannot start any token"):
		hint = "indent with spaces, not tabs; quote a value that begins with @, ` or %"
	case strings.Contains(problem, "could not find expected ':'"):
		hint = "put a space behind the colon"
	case strings.Contains(problem, "tag"), strings.Contains(problem, "URI"):
		hint = "quote a value that begins with !"
	case strings.Contains(problem, "mapping values are not allowed"):
		hint = "put a space behind each colon; quote a value that contains both"
	}
	d.fail(line, "", problem, hint)
}
