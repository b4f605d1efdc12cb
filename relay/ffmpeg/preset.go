package ffmpeg

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// firstSecretFD is where a child finds the first of its secrets; 3 carries progress.
	firstSecretFD = 4
	// maxPresetLine is the length of "option=value" in bytes: ffmpeg reads lines of 999 with their end, and takes the
	// rest of a longer one for another option (measured on 5.1.9).
	maxPresetLine = 998
)

// Secrets are the contents of the preset files, in the order of their file descriptors, 4 being the first. They are
// what process.Spec.Secrets wants.
func (j Job) Secrets() ([][]byte, error) {
	if err := j.validate(); err != nil {
		return nil, err
	}
	var files [][]byte
	for _, out := range j.Outputs {
		if len(out.Preset) == 0 {
			continue
		}
		var file []byte
		for _, line := range out.Preset {
			file = fmt.Appendf(file, "%s=%s\n", line.Option, line.Value.Reveal())
		}
		files = append(files, file)
	}
	return files, nil
}

// presetPath is where ffmpeg reads the preset file that is the n-th, from 0.
func presetPath(n int) string { return fmt.Sprintf("/dev/fd/%d", firstSecretFD+n) }

// validate never quotes the value: its errors are printed.
func (l PresetLine) validate() error {
	if err := validateName(l.Option); err != nil {
		return err
	}
	value := l.Value.Reveal()
	switch {
	case value == "":
		return errors.New("the secret is empty")
	case strings.ContainsFunc(value, isControl):
		return errors.New("the secret has a line break or another control character: was it pasted with one?")
	case len(l.Option)+len("=")+len(value) > maxPresetLine:
		return fmt.Errorf("the secret has %d bytes, ffmpeg takes at most %d", len(value), maxPresetLine-len(l.Option)-len("="))
	}
	return nil
}
