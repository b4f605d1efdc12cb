package upload

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// shelf is the folder that holds the queue: a file for each recording, named after it.
type shelf struct{ dir string }

const (
	itemExtension = ".json"
	temporary     = ".tmp"
)

func (s shelf) path(file string) string {
	return filepath.Join(s.dir, url.PathEscape(file)+itemExtension)
}

// put writes what is known of a recording, all of it or nothing, and through to the disk: it has to be there after a
// power cut.
func (s shelf) put(file string, text []byte) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("queue upload: %w", err)
	}
	path := s.path(file)
	f, err := os.OpenFile(path+temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("queue upload: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+temporary, path)
	}
	if err != nil {
		return fmt.Errorf("queue upload: %w", errors.Join(err, os.Remove(path+temporary)))
	}
	return nil
}

func (s shelf) remove(file string) error {
	if err := os.Remove(s.path(file)); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("leave the queue: %w", err)
	}
	return nil
}

// all reads every recording in the queue. What cannot be read is left where it is, and told.
func (s shelf) all() (items []*item, err error) {
	files, failed := os.ReadDir(s.dir)
	if failed != nil && !os.IsNotExist(failed) {
		return nil, fmt.Errorf("read the queue: %w", failed)
	}
	for _, f := range files {
		path := filepath.Join(s.dir, f.Name())
		switch {
		case strings.HasSuffix(f.Name(), temporary):
			err = errors.Join(err, os.Remove(path))
		case strings.HasSuffix(f.Name(), itemExtension):
			i, failed := readItem(path)
			if failed != nil {
				err = errors.Join(err, fmt.Errorf("read the queue: %s: %w (remove it, and upload by hand what it names)", path, failed))
				continue
			}
			items = append(items, i)
		}
	}
	return items, err
}

func readItem(path string) (*item, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	i := &item{}
	if err := json.Unmarshal(text, i); err != nil {
		return nil, err
	}
	if !filepath.IsLocal(i.File) || i.Stream == "" {
		return nil, errors.New("it names no recording")
	}
	return i, nil
}
