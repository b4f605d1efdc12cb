package thumbnail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
)

// maxPicture bounds a JPEG, in bytes: 640 pixels of noise are a third of that.
const maxPicture = 2 << 20

// picture is a thumbnail, and of what.
type picture struct {
	jpeg    []byte
	etag    string
	at      time.Time // when its keyframe came
	session time.Time
	dts     int64
}

// Tool is the ffmpeg that decodes.
type Tool struct {
	Path string
	Env  []string
	// Reads says why it cannot decode a packet, nil if it can. Default: it tries everything.
	Reads func(*relay.Packet) error
}

// draw has ffmpeg make the picture. Its stdin ends at once, which is no reason to hurry it: on a busy machine one takes
// more than a second. It has until ctx ends.
func (t Tool) draw(ctx context.Context, k keyframe) (*picture, error) {
	for _, p := range k.packets() {
		if t.Reads == nil {
			break
		}
		if err := t.Reads(p); err != nil {
			return nil, err
		}
	}
	job, err := Recipe{}.Job(ffmpeg.Attempt{Video: true})
	if err != nil {
		return nil, err
	}
	args, err := job.Args()
	if err != nil {
		return nil, fmt.Errorf("thumbnail: %w", err)
	}
	patience := time.Second
	if by, ok := ctx.Deadline(); ok {
		patience = max(time.Until(by), time.Millisecond)
	}
	p := &picture{at: k.frame.Arrived, session: k.session, dts: k.frame.DTS}
	exit := process.Run(ctx, process.Spec{
		Path: t.Path, Args: args, Env: t.Env, DieWithParent: job.DieWithParent,
		Grace: process.Grace{Term: patience, Kill: time.Second},
		Feed: func(_ context.Context, stdin *os.File) error {
			_, err := stdin.Write(k.tags())
			return err
		},
		Output: func(stdout io.Reader) (err error) {
			p.jpeg, err = io.ReadAll(io.LimitReader(stdout, maxPicture+1))
			return err
		},
	})
	switch {
	case exit.Pid == 0:
		return nil, fmt.Errorf("start ffmpeg: %w", exit.Err)
	case len(p.jpeg) > maxPicture:
		return nil, fmt.Errorf("ffmpeg cannot show this picture: it makes more than %d bytes of it", maxPicture)
	case exit.Asked, exit.Forced:
		return nil, errors.New("ffmpeg took too long for one picture: this machine has more to do than it can")
	case exit.Code != 0 || len(p.jpeg) == 0:
		return nil, fmt.Errorf("ffmpeg cannot show this picture: %s, %d bytes %q", exit, len(p.jpeg), exit.Lines)
	}
	sum := sha256.Sum256(p.jpeg)
	p.etag = `"` + hex.EncodeToString(sum[:12]) + `"`
	return p, nil
}
