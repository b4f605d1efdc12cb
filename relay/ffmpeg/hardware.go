package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/restreamd/restreamd/relay/process"
)

// RenderNode is the device VA-API encodes on: the first graphics card.
const RenderNode = "/dev/dri/renderD128"

// Upload is what the family of a video encoder needs before it takes a frame: the filters at the end of the chain, and
// options of its own. The options are the caller's to change.
func Upload(encoder string) (filters string, options Options) {
	switch {
	case strings.HasSuffix(encoder, "_vaapi"):
		return "format=nv12,hwupload", Options{"vaapi_device": RenderNode}
	case strings.HasSuffix(encoder, "_qsv"):
		return "format=nv12", Options{}
	}
	return "format=yuv420p", Options{}
}

// ProbeEncoder has the ffmpeg at path ("ffmpeg" when empty) encode a few frames. That it lists an encoder proves
// little: a distribution's ffmpeg lists nvenc and vaapi on machines without such hardware. It takes about 0.1 s, and
// 10 s at most.
func ProbeEncoder(ctx context.Context, path, encoder string) error {
	if path == "" {
		path = "ffmpeg"
	}
	filters, options := Upload(encoder)
	options["c:v"], options["filter:v"], options["f"] = encoder, filters, "null"
	args, err := Job{
		Input:   Input{URL: "testsrc2=size=640x360:rate=30:duration=0.2", Options: Options{"f": "lavfi"}},
		Outputs: []Output{{URL: "pipe:1", Options: options, Map: []string{"0:v"}}},
	}.Args()
	if err != nil {
		return fmt.Errorf("probe encoder %s: %w", encoder, err)
	}
	limited, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	exit := process.Run(limited, process.Spec{Path: path, Args: args, Env: Env(), DieWithParent: true})
	if err := encodeError(exit, limited.Err()); err != nil {
		return fmt.Errorf("encoder %s does not work here: %w; set encoder: libx264, or install the hardware's driver", encoder, err)
	}
	return nil
}

// encodeError tells the first of ffmpeg's lines: the driver's complaint. Those behind it follow from it.
func encodeError(exit process.Exit, late error) error {
	switch {
	case exit.Asked:
		return fmt.Errorf("ffmpeg gave no answer: %w", late)
	case exit.Pid == 0:
		return exit.Err
	case exit.Code == 0:
		return nil
	case len(exit.Lines) > 0:
		return errors.New(exit.Lines[0])
	}
	return errors.New(exit.String())
}
