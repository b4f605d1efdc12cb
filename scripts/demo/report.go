package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay/relaytest"
)

// report says what the show left behind, and returns an error if a platform did not get what was recorded.
func (s *stage) report() error {
	takes, err := s.takes()
	if err != nil {
		return fmt.Errorf("look for recordings: %w", err)
	}
	var recorded []string
	for _, take := range takes {
		hashes, err := relaytest.PacketHashes(take.path, "v:0")
		if err != nil {
			return fmt.Errorf("read recording: %w", err)
		}
		recorded = append(recorded, hashes...)
		fmt.Printf("Recorded    %s: %s, %.1f MB, %d video packets\n",
			take.path, take.duration(), float64(take.size)/1e6, len(hashes))
	}
	if len(recorded) == 0 {
		return fmt.Errorf("nothing was recorded, see %s", s.keep("relay.log"))
	}
	s.keep("data")

	var failed []error
	for _, p := range s.platforms {
		if err := p.report(recorded); err != nil {
			fmt.Printf("Delivered   %s: %v\n", p.name, err)
			failed = append(failed, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	fmt.Printf("\nEverything is in %s; remove it when you have seen it.\n", s.dir)
	return errors.Join(failed...)
}

// report compares what the platform received, over all of its sessions, with the recording.
func (p platform) report(recorded []string) error {
	sessions := p.sink.Sessions()
	if len(sessions) == 0 {
		return errors.New("nobody connected")
	}
	var delivered []string
	for _, session := range sessions {
		if err := session.MonotonicDTS(); err != nil {
			return err
		}
		delivered = append(delivered, session.VideoHashes()...)
	}
	delay, _ := sessions[0].FirstKeyframe()
	if !slices.Equal(delivered, recorded) {
		return fmt.Errorf("%d video packets in %d sessions, not the %d recorded", len(delivered), len(sessions), len(recorded))
	}
	fmt.Printf("Delivered   %s: %d video packets, each as recorded; first keyframe %d ms after connecting; timestamps only rise\n",
		p.name, len(delivered), delay.Milliseconds())
	return nil
}

// take is one finished file of the recording.
type take struct {
	path string
	size int64
}

// takes returns the recorded files by name, which is by time.
func (s *stage) takes() ([]take, error) {
	var takes []take
	err := filepath.WalkDir(s.path("data/recordings"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ext := filepath.Ext(path); ext != ".mp4" && ext != ".mkv" {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		takes = append(takes, take{path, info.Size()})
		return nil
	})
	return takes, err
}

func (t take) duration() string {
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", t.path).Output()
	if err != nil {
		return "does not play"
	}
	seconds, err := time.ParseDuration(strings.TrimSpace(string(out)) + "s")
	if err != nil {
		return "of unknown length"
	}
	return seconds.Round(100 * time.Millisecond).String()
}
