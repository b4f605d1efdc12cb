package config

import (
	"crypto/sha256"
	"fmt"
	"os"
)

// surroundings are what a document says by way of other things: the files and variables that it names, and who may read
// them. What is asked of it is remembered, as digests, because it holds keys.
type surroundings []question

type question struct {
	ask    func() [sha256.Size]byte
	answer [sha256.Size]byte
}

// same reports whether every question would be answered as it was.
func (s surroundings) same() bool {
	for _, q := range s {
		if q.ask() != q.answer {
			return false
		}
	}
	return true
}

func (s *surroundings) readFile(path string) ([]byte, error) {
	data, err := readFile(path)
	*s = append(*s, question{func() [sha256.Size]byte { return digest(readFile(path)) }, digest(data, err)})
	return data, err
}

func (s *surroundings) readText(path string) ([]byte, error) {
	data, err := s.readFile(path)
	return textOnly(path, data, err)
}

func (s *surroundings) variable(name string) string {
	return s.text(func() string { return os.Getenv(name) })
}

func (s *surroundings) exposedNote(path string) string {
	return s.text(func() string { return exposedNote(path) })
}

func (s *surroundings) text(read func() string) string {
	text := read()
	*s = append(*s, question{func() [sha256.Size]byte { return digest([]byte(read()), nil) }, digest([]byte(text), nil)})
	return text
}

func digest(data []byte, err error) [sha256.Size]byte {
	if err != nil {
		data = fmt.Append(nil, "error: ", err)
	}
	return sha256.Sum256(data)
}
