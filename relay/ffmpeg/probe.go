package ffmpeg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/restreamd/restreamd/relay/process"
	"github.com/restreamd/restreamd/relay/secret"
)

// probeTime bounds each run of Probe's. One takes under 0.1 s; a cold disk may need more.
const probeTime = 10 * time.Second

// Capabilities is what the installed ffmpeg can do.
type Capabilities struct {
	Path      string
	Version   Version
	Protocols map[string]bool // for output
	Muxers    map[string]bool
	Encoders  map[string]bool
	// PresetPipe: secret options given on an inherited pipe take effect. Without it a stream key would have to stand
	// in the argument list, where every user of the machine can read it.
	PresetPipe bool
}

// Probe asks the ffmpeg at path ("ffmpeg" when empty) what it can do, and proves with a tiny job that it takes secrets
// from a pipe. It takes about 0.4 s.
func Probe(ctx context.Context, path string) (Capabilities, error) {
	if path == "" {
		path = "ffmpeg"
	}
	c := Capabilities{Path: path}
	banner, err := ask(ctx, path, "-version")
	if err != nil {
		return c, err
	}
	if c.Version, err = parseVersion(banner); err != nil {
		return c, fmt.Errorf("probe %s: %w; is it really ffmpeg?", path, err)
	}
	if c.Version.Major > 0 && !c.Version.AtLeast(4, 4) {
		return c, fmt.Errorf("probe %s: version %s is too old, 4.4 or later is needed", path, c.Version)
	}
	for _, list := range []struct {
		flag  string
		parse func(string) map[string]bool
		into  *map[string]bool
	}{
		{"-protocols", parseProtocols, &c.Protocols},
		{"-muxers", parseTable, &c.Muxers},
		{"-encoders", parseTable, &c.Encoders},
	} {
		text, err := ask(ctx, path, "-hide_banner", list.flag)
		if err != nil {
			return c, err
		}
		*list.into = list.parse(text)
	}
	c.PresetPipe, err = provePresetPipe(ctx, path)
	return c, err
}

// Missing names what restreamd needs and this ffmpeg was built without, such as "hls muxer".
func (c Capabilities) Missing() []string {
	var missing []string
	for _, name := range []string{"file", "pipe", "rtmp", "tcp"} {
		if !c.Protocols[name] {
			missing = append(missing, name+" protocol")
		}
	}
	for _, name := range []string{"flv", "hls", "matroska", "mp4"} {
		if !c.Muxers[name] {
			missing = append(missing, name+" muxer")
		}
	}
	if !c.PresetPipe {
		missing = append(missing, "secret options on a pipe")
	}
	return missing
}

func ask(ctx context.Context, path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	var output []byte
	exit := process.Run(ctx, process.Spec{
		Path: path, Args: args, Env: Env(), DieWithParent: true,
		Output: func(stdout io.Reader) (err error) {
			output, err = io.ReadAll(io.LimitReader(stdout, 1<<20))
			return err
		},
	})
	switch {
	case exit.Asked:
		return "", fmt.Errorf("probe %s %s: gave no answer: %w", path, strings.Join(args, " "), ctx.Err())
	case exit.Pid == 0:
		return "", fmt.Errorf("probe %s: %w; `make run` installs ffmpeg, as does `apt-get install ffmpeg`", path, exit.Err)
	case exit.Code != 0:
		return "", fmt.Errorf("probe %s %s: %s: %s", path, strings.Join(args, " "), exit, strings.Join(exit.Lines, "; "))
	}
	return string(output), nil
}

// parseProtocols reads ffmpeg -protocols: names, one a line, under "Input:" and "Output:".
func parseProtocols(text string) map[string]bool {
	names := map[string]bool{}
	_, output, _ := strings.Cut(text, "Output:")
	for name := range strings.FieldsSeq(output) {
		names[name] = true
	}
	return names
}

// parseTable reads ffmpeg -muxers and -encoders: flags, then the name, below a ruled line.
func parseTable(text string) map[string]bool {
	names := map[string]bool{}
	_, rows, _ := strings.Cut(text, " --")
	for row := range strings.Lines(rows) {
		if fields := strings.Fields(row); len(fields) >= 2 {
			for name := range strings.SplitSeq(fields[1], ",") {
				names[name] = true
			}
		}
	}
	return names
}

// provePresetPipe runs a job whose output differs visibly with and without the option on the pipe: the hash muxer
// prints SHA256 unless told otherwise.
func provePresetPipe(ctx context.Context, path string) (bool, error) {
	job := Job{Input: FLVInput(), Outputs: []Output{{
		URL:     "pipe:1",
		Options: Options{"f": "hash", "c": "copy"},
		Preset:  []PresetLine{{Option: "hash", Value: secret.New("md5")}},
	}}}
	args, err := job.Args()
	if err != nil {
		return false, err
	}
	secrets, err := job.Secrets()
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	var hash []byte
	exit := process.Run(ctx, process.Spec{
		Path: path, Args: args, Env: Env(), DieWithParent: true, Secrets: secrets,
		Feed: func(_ context.Context, stdin *os.File) error {
			_, err := stdin.Write(tinyFLV())
			return err
		},
		Output: func(stdout io.Reader) (err error) {
			hash, err = io.ReadAll(io.LimitReader(stdout, 1<<10))
			return err
		},
	})
	if exit.Asked || exit.Pid == 0 {
		return false, fmt.Errorf("probe %s: secrets on a pipe: %s: %w", path, exit, errors.Join(exit.Err, ctx.Err()))
	}
	return strings.HasPrefix(string(hash), "MD5="), nil
}

// tinyFLV is one tag of silence: linear PCM, 44.1 kHz, 16 bits, stereo, which no decoder is needed for.
func tinyFLV() []byte {
	body := append([]byte{0x3f}, make([]byte, 8)...)
	flv := []byte{'F', 'L', 'V', 1, 4, 0, 0, 0, 9, 0, 0, 0, 0}
	flv = append(flv, tagAudio, 0, 0, byte(len(body)), 0, 0, 0, 0, 0, 0, 0)
	flv = append(flv, body...)
	return binary.BigEndian.AppendUint32(flv, uint32(11+len(body)))
}
