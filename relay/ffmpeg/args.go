package ffmpeg

import (
	"strconv"
	"strings"

	ffmpeg "github.com/u2takey/ffmpeg-go"
)

// globalArgs make ffmpeg fit for a supervisor: no terminal, progress on file descriptor 3 every second, and on stderr
// warnings and errors only. That level shows an RTMP server's own words when it refuses a publish.
func globalArgs() []string {
	return []string{
		"-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+warning",
		"-progress", "pipe:3", "-stats_period", "1",
	}
}

// Args is everything after the executable's name. An output file that exists is an error of ffmpeg's, unless the
// output's options say "y".
func (j Job) Args() ([]string, error) {
	if err := j.validate(); err != nil {
		return nil, err
	}
	inputs := []*ffmpeg.Stream{ffmpeg.Input(j.Input.URL, kwargs(j.Input.Options))}
	for _, in := range j.Beside {
		inputs = append(inputs, ffmpeg.Input(in.URL, kwargs(in.Options)))
	}
	var outputs []*ffmpeg.Stream
	presets := 0
	for _, out := range j.Outputs {
		options := kwargs(out.Options)
		if len(out.Preset) > 0 {
			options["fpre"] = presetPath(presets)
			presets++
		}
		outputs = append(outputs, ffmpeg.Output(out.selected(inputs), out.URL, options))
	}
	// ffmpeg-go puts global arguments last. ffmpeg reads them from there too, without complaint (measured).
	return ffmpeg.MergeOutputs(outputs...).GlobalArgs(globalArgs()...).GetArgs(), nil
}

// selected are the streams of the inputs that go into the output.
func (o Output) selected(inputs []*ffmpeg.Stream) []*ffmpeg.Stream {
	selectors := o.Map
	if len(selectors) == 0 {
		selectors = []string{"0:v?", "0:a?"}
	}
	var streams []*ffmpeg.Stream
	for _, selector := range selectors {
		number, stream, _ := strings.Cut(selector, ":")
		input, _ := strconv.Atoi(number)
		streams = append(streams, inputs[input].Get(stream))
	}
	return streams
}

// kwargs copies, because ffmpeg-go writes into what it is given.
func kwargs(options Options) ffmpeg.KwArgs {
	k := ffmpeg.KwArgs{}
	for name, value := range options {
		k[name] = value
	}
	return k
}
