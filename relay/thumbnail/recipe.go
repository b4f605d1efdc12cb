package thumbnail

import (
	"errors"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// width is a thumbnail's, in pixels. Smaller pictures stay as they are; the height follows.
const width = "640"

// Recipe makes one JPEG, on stdout, of the one picture on stdin.
type Recipe struct{}

// Job returns the job. JPEG knows but one matrix and the full range of values: others would shift the colours. Pixels
// that are not square are made so.
func (Recipe) Job(a ffmpeg.Attempt) (ffmpeg.Job, error) {
	if !a.Video {
		return ffmpeg.Job{}, errors.New("a stream without video has no thumbnail")
	}
	return ffmpeg.Job{
		Input: ffmpeg.FLVInput(),
		Outputs: []ffmpeg.Output{{
			URL: "pipe:1",
			Map: []string{"0:v:0"},
			Options: ffmpeg.Options{
				"f": "image2pipe", "c:v": "mjpeg", "q:v": "4", "frames:v": "1", "threads:v": "1", "filter_threads": "1",
				"filter:v": "scale=w='min(" + width + ",iw*sar)':h=ow/dar:out_color_matrix=bt601,setsar=1,format=yuvj420p",
			},
		}},
		DieWithParent: true,
	}, nil
}
