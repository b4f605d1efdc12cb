// Package push knows how to reach a platform: what its URL and key must look like, what it takes (Contract) and what to
// do about a stream that breaks that (Finding, Remedy), and which ffmpeg job pushes there. The facts are in platforms.yml.
//
// It opens no connection, reads no file and starts no goroutine. The job pushes plain RTMP to the egress gate on
// loopback; who holds the platform's socket and speaks TLS is not this package's business.
package push

import (
	"errors"
	"maps"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/secret"
)

// Recipe pushes what the publisher sent, unchanged, to Target.
type Recipe struct {
	Target Target
	// Silence adds silent audio to a stream that has none. Default: video alone is pushed.
	Silence bool
}

var _ ffmpeg.Recipe = Recipe{}

// Job implements ffmpeg.Recipe. The URL leads to the gate and says nothing else; what ffmpeg tells the platform through
// the gate, the app, the platform's own URL and the key, goes through an inherited pipe and stands in no argument list.
func (r Recipe) Job(a ffmpeg.Attempt) (ffmpeg.Job, error) {
	if a.Gate == "" {
		return ffmpeg.Job{}, errors.New("push job: no egress gate: open one for this destination first")
	}
	job := ffmpeg.Job{
		Input: a.Input(),
		Outputs: []ffmpeg.Output{{
			URL: "rtmp://" + a.Gate,
			Options: ffmpeg.Options{
				"c": "copy",
				"f": "flv",
				// Without it the muxer announces a duration and a size, both 0: nobody knows them of a live stream.
				"flvflags": "no_duration_filesize",
				// ffmpeg closes with the platform's acknowledgements unread, which resets the connection: what Nagle's
				// algorithm still held back was lost, in 20 of 20 shows to a sink that acknowledges every 1000 bytes;
				// without it in none (5.1.9).
				"tcp_nodelay": "1",
				// A track that pauses must not hold up the other: ffmpeg waits for 10 s of one before it goes on without the
				// other, and the platform would be taken for wedged by then.
				"max_interleave_delta": "500000",
			},
			Preset: []ffmpeg.PresetLine{
				{Option: "rtmp_app", Value: secret.New(r.Target.App)},
				{Option: "rtmp_tcurl", Value: secret.New(r.Target.TCURL())},
				{Option: "rtmp_playpath", Value: r.Target.Key},
			},
		}},
		// A push that is stalled on the platform would outlive the relay, and the platform would refuse the next one.
		DieWithParent: true,
	}
	if r.Silence && a.Video && !a.Audio {
		addSilence(&job)
	}
	return job, nil
}

// addSilence lets a filter make the audio: its output, which carries no label, goes into the output beside the video.
// The filter makes as much as the video asks for and never runs ahead, because ffmpeg reads on where it is behind. A
// second input would do as well, but costs a thread and 10 ms, and warns of its full queue (measured on 5.1.9).
func addSilence(job *ffmpeg.Job) {
	out := &job.Outputs[0]
	out.Map = []string{"0:v"}
	delete(out.Options, "c")
	maps.Copy(out.Options, ffmpeg.Options{
		"filter_complex": "anullsrc=sample_rate=48000:channel_layout=stereo",
		"c:v":            "copy",
		"c:a":            "aac",
		"b:a":            "128k",
		"shortest":       "", // the silence has no end of its own
	})
}
