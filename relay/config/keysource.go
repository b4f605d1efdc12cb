package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/restreamd/restreamd/relay/secret"
)

// key takes a key from the one of sources that is set: key, key_file, key_env or key_sha256, whose digest comes back as
// it is written. source is "" when none is; the key is zero when it is missing or could not be had, which is reported.
//
// People write the key itself behind key_file or key_env, so no error shows what stands there.
func (s *section) key(sources ...string) (source string, key secret.String) {
	var text string
	for _, candidate := range sources {
		value, found := s.scalar(candidate)
		switch {
		case !s.has(candidate):
		case source != "":
			s.fail(candidate, source+" is set as well", "keep one of the two")
			return source, secret.String{}
		case found:
			source, text = candidate, value
		default:
			source = candidate
		}
	}
	switch {
	case text == "":
		return source, secret.String{}
	case source == "key_file":
		return source, s.keyFromFile(source, text)
	case source == "key_env":
		return source, s.keyFromEnv(source, text)
	case source == "key":
		s.doc.noteExposed(s.doc.file)
	}
	return source, secret.New(text)
}

func (s *section) keyFromFile(field, path string) secret.String {
	path = under(filepath.Dir(s.doc.file), path)
	data, err := s.doc.around.readText(path)
	if err != nil {
		s.fail(field, "cannot be read: "+reason(err),
			"a relative path starts at the folder of this file; the key itself belongs under key")
		return secret.String{}
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(data), "\ufeff"))
	if text == "" {
		s.fail(field, "the file is empty", "write the key into it, on one line")
	}
	s.doc.noteExposed(path)
	return secret.New(text)
}

func (s *section) keyFromEnv(field, name string) secret.String {
	text := strings.TrimSpace(s.doc.around.variable(name))
	if text == "" {
		s.fail(field, "the variable is empty or not set", "set it where restreamd is started; the key itself belongs under key")
	}
	return secret.New(text)
}

// reason is the error without the path it is about.
func reason(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	return fmt.Sprint(err)
}
