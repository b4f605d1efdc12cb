package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/restreamd/restreamd/relay/relaytest"
)

// stage is a folder with the relay's configuration, and the platforms its destination files name.
type stage struct {
	dir       string
	kept      bool
	platforms []platform
}

type platform struct {
	name string
	sink *relaytest.Sink
}

func openStage() (*stage, error) {
	dir, err := os.MkdirTemp("", "restreamd-demo-")
	if err != nil {
		return nil, fmt.Errorf("make demo folder: %w", err)
	}
	s := &stage{dir: dir}
	if err := s.furnish(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) furnish() error {
	config := "rtmp: {listen: \"127.0.0.1:0\"}\nhttp: {listen: \"127.0.0.1:0\"}\n"
	if err := s.write("restreamd.yml", config); err != nil {
		return err
	}
	for _, name := range []string{"platform-a", "platform-b"} {
		sink, err := relaytest.OpenSink()
		if err != nil {
			return err
		}
		s.platforms = append(s.platforms, platform{name, sink})
		file := fmt.Sprintf("url: %s\nkey: key-of-%s\n", sink.URL(), name)
		if err := s.write(filepath.Join("destinations.d", name+".yml"), file); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) write(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o700); err != nil {
		return fmt.Errorf("furnish demo folder: %w", err)
	}
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		return fmt.Errorf("furnish demo folder: %w", err)
	}
	return nil
}

// everybodyLeft tells whether the platforms have read every connection to its end.
func (s *stage) everybodyLeft() bool {
	for _, p := range s.platforms {
		for _, session := range p.sink.Sessions() {
			if session.Closed.IsZero() {
				return false
			}
		}
	}
	return true
}

// keep lets the folder outlive the demo and returns the path of a file in it.
func (s *stage) keep(name string) string {
	s.kept = true
	return s.path(name)
}

func (s *stage) close() {
	for _, p := range s.platforms {
		p.sink.Close()
	}
	if !s.kept {
		os.RemoveAll(s.dir)
	}
}
