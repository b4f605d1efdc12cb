package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"
)

// maxFile is more than any sensible file and little enough to hold in memory.
const maxFile = 1 << 20

var (
	errNotRegular = errors.New("not a regular file")
	errTooLarge   = errors.New("larger than 1 MiB")
	errNotUTF8    = errors.New("not UTF-8 text")
)

// readFile reads a regular file of UTF-8 text, following symlinks.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errNotRegular}
	}
	// The path may have become a FIFO since, and opening one would wait for a writer.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxFile:
		return nil, &fs.PathError{Op: "read", Path: path, Err: errTooLarge}
	case !utf8.Valid(data):
		return nil, &fs.PathError{Op: "read", Path: path, Err: errNotUTF8}
	}
	return data, nil
}
