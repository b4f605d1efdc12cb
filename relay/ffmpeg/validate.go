package ffmpeg

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// validate lets nothing pass that could become an option of its own, or that ffmpeg-go would panic on.
func (j Job) validate() error {
	for i, in := range append([]Input{j.Input}, j.Beside...) {
		if err := errors.Join(validateURL(in.URL), in.Options.validate()); err != nil {
			return fmt.Errorf("ffmpeg job: input %d: %w", i, err)
		}
	}
	if len(j.Outputs) == 0 {
		return errors.New("ffmpeg job: no output")
	}
	urls := map[string]bool{}
	for i, out := range j.Outputs {
		if err := out.validate(len(j.Beside) + 1); err != nil {
			return fmt.Errorf("ffmpeg job: output %d: %w", i, err)
		}
		if urls[out.URL] {
			return fmt.Errorf("ffmpeg job: two outputs write to the same place")
		}
		urls[out.URL] = true
	}
	return nil
}

func (o Output) validate(inputs int) error {
	if err := validateURL(o.URL); err != nil {
		return err
	}
	if err := o.Options.validate(); err != nil {
		return err
	}
	for _, selector := range o.Map {
		number, stream, found := strings.Cut(selector, ":")
		if !found || stream == "" || strings.Trim(stream, selectorBytes) != "" {
			return fmt.Errorf("map %q: not a stream selector, such as 0:v?", selector)
		}
		if n, err := strconv.ParseUint(number, 10, 8); err != nil || int(n) >= inputs {
			return fmt.Errorf("map %q: there is no such input", selector)
		}
	}
	for _, line := range o.Preset {
		if err := line.validate(); err != nil {
			return fmt.Errorf("secret option %q: %w", line.Option, err)
		}
	}
	return nil
}

const (
	lettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	nameBytes        = lettersAndDigits + "_:.-"
	selectorBytes    = lettersAndDigits + "_:?[]"
)

// validateURL quotes no URL: it may hold credentials.
func validateURL(url string) error {
	switch {
	case url == "":
		return errors.New("empty URL")
	case url[0] == '-':
		return errors.New("URL begins with '-', which ffmpeg takes for an option")
	case strings.ContainsFunc(url, isControl):
		return errors.New("URL has a control character")
	}
	return nil
}

func (o Options) validate() error {
	for name, value := range o {
		if err := validateName(name); err != nil {
			return err
		}
		if strings.ContainsFunc(value, isControl) {
			return fmt.Errorf("option %q: value has a control character", name)
		}
	}
	return nil
}

func validateName(name string) error {
	if name == "" || strings.Trim(name, nameBytes) != "" || name[0] == '-' {
		return fmt.Errorf("option %q: not an option's name", name)
	}
	switch name {
	case "i", "map", "fpre", "progress":
		return fmt.Errorf("option %q: set by the job itself", name)
	case "filename", "format", "video_size", "video_bitrate", "audio_bitrate":
		return fmt.Errorf("option %q: ffmpeg-go gives it another meaning; use f, s, b:v, b:a", name)
	}
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
