package config

import (
	"bytes"
	"errors"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// insertKey adds {name: name, key_file: file} to the stream's keys in data, a file that loads, and makes what is missing
// on the way there.
func insertKey(data []byte, stream, name, file string) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(markBlankLines(data), &doc); err != nil {
		return nil, err
	}
	added := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	child(added, "name").SetString(name)
	child(added, "key_file").SetString(file)

	bare := len(doc.Content) == 0 // comments at most, which no node holds
	if bare {
		doc = yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	keys := child(child(child(doc.Content[0], "streams"), stream), "keys")
	become(keys, yaml.SequenceNode)
	keys.Content = append(keys.Content, added)

	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(&doc), encoder.Close()); err != nil {
		return nil, err
	}
	if bare {
		return slices.Concat(endLine(data), text.Bytes()), nil
	}
	return unmarkBlankLines(text.Bytes()), nil
}

// child returns the value of key in mapping, a new one if it is not there.
func child(mapping *yaml.Node, key string) *yaml.Node {
	become(mapping, yaml.MappingNode)
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	name, value := &yaml.Node{}, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	name.SetString(key)
	mapping.Content = append(mapping.Content, name, value)
	return value
}

// become turns an empty value into a collection.
func become(node *yaml.Node, kind yaml.Kind) {
	if isNull(node) {
		node.Kind, node.Tag, node.Value, node.Style = kind, "", "", 0
	}
}

// The YAML package keeps comments and drops blank lines, so these travel as comments.
var (
	blankLine  = regexp.MustCompile(`(?m)^[ \t]*\r?\n`)
	markedLine = regexp.MustCompile(`(?m)^[ \t]*#:blank:\n`)
)

func markBlankLines(data []byte) []byte {
	return blankLine.ReplaceAll(data, []byte("#:blank:\n"))
}

func unmarkBlankLines(data []byte) []byte {
	return markedLine.ReplaceAll(data, []byte("\n"))
}

func endLine(data []byte) []byte {
	if len(data) > 0 && data[len(data)-1] != '\n' {
		return append(slices.Clip(data), '\n')
	}
	return data
}
