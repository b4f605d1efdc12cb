package ffmpeg_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/process"
	"github.com/restreamd/restreamd/relay/secret"
)

func TestJobFLVToMP4(t *testing.T) {
	needFFmpeg(t)
	take := filepath.Join(t.TempDir(), "take.mp4")
	job := ffmpeg.Job{
		Input:   ffmpeg.FLVInput(),
		Outputs: []ffmpeg.Output{{URL: take, Options: ffmpeg.Options{"c": "copy", "f": "mp4"}}},
	}
	_, reports, exit := run(t, job, clip(t))
	if exit.Code != 0 || exit.Err != nil || exit.Forced {
		t.Fatalf("%v: %q", exit, exit.Lines)
	}
	if len(exit.Lines) != 0 {
		t.Errorf("a healthy job complains: %q", exit.Lines)
	}
	info, err := os.Stat(take)
	if err != nil {
		t.Fatal(err)
	}
	last := reports[len(reports)-1]
	if !last.End || last.Frame != 75 || last.OutTime.Seconds() < 2.9 || last.OutTime.Seconds() > 3.2 ||
		last.Bytes == 0 || last.Bytes > info.Size() || last.Speed <= 0 {
		t.Errorf("last report %+v of a file of %d bytes", last, info.Size())
	}
	var streams string
	process.Run(t.Context(), process.Spec{
		Path: "ffprobe", Env: ffmpeg.Env(),
		Args: []string{"-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", take},
		Output: func(r io.Reader) error {
			text, err := io.ReadAll(r)
			streams = string(text)
			return err
		},
	})
	if !strings.HasPrefix(streams, "h264,75\naac,1") {
		t.Errorf("the file holds %q", streams)
	}
}

func TestJobSecretsReachTheirOutputs(t *testing.T) {
	needFFmpeg(t)
	file := filepath.Join(t.TempDir(), "hash")
	hash := func(url, algorithm string) ffmpeg.Output {
		return ffmpeg.Output{
			URL: url, Options: ffmpeg.Options{"f": "hash", "c": "copy"},
			Preset: []ffmpeg.PresetLine{{Option: "hash", Value: secret.New(algorithm)}},
		}
	}
	job := ffmpeg.Job{Input: ffmpeg.FLVInput(), Outputs: []ffmpeg.Output{hash("pipe:1", "md5"), hash(file, "crc32")}}
	out, _, exit := run(t, job, clip(t))
	written, _ := os.ReadFile(file)
	if !strings.HasPrefix(out, "MD5=") || !strings.HasPrefix(string(written), "CRC32=") || len(exit.Lines) != 0 {
		t.Errorf("%v: %q, %q, %q", exit, out, written, exit.Lines)
	}
}

// Generated silence beside a picture without sound ends with the picture.
func TestJobWithSilenceBeside(t *testing.T) {
	needFFmpeg(t)
	job := ffmpeg.Job{
		Input:   ffmpeg.FLVInput(),
		Beside:  []ffmpeg.Input{{URL: "anullsrc=r=48000:cl=stereo", Options: ffmpeg.Options{"f": "lavfi"}}},
		Outputs: []ffmpeg.Output{{URL: "pipe:1", Options: ffmpeg.Options{"f": "streamhash", "c:v": "copy", "c:a": "pcm_s16le", "shortest": ""}, Map: []string{"0:v", "1:a"}}},
	}
	out, reports, exit := run(t, job, clip(t))
	if exit.Code != 0 || !strings.Contains(out, "0,v,") || !strings.Contains(out, "1,a,") {
		t.Fatalf("%v: %q, %q", exit, out, exit.Lines)
	}
	if last := reports[len(reports)-1]; last.OutTime.Seconds() < 2.9 || last.OutTime.Seconds() > 4 {
		t.Errorf("a clip of 3 s came out %v long", last.OutTime)
	}
}

func TestJobDoesNotOverwrite(t *testing.T) {
	needFFmpeg(t)
	take := filepath.Join(t.TempDir(), "take.mp4")
	if err := os.WriteFile(take, []byte("an earlier take"), 0o600); err != nil {
		t.Fatal(err)
	}
	job := ffmpeg.Job{
		Input:   ffmpeg.FLVInput(),
		Outputs: []ffmpeg.Output{{URL: take, Options: ffmpeg.Options{"c": "copy", "f": "mp4"}}},
	}
	_, _, exit := run(t, job, clip(t))
	if cause := ffmpeg.Classify(exit.Lines, exit); exit.Code == 0 || cause != ffmpeg.CauseFile {
		t.Errorf("%v, cause %q: %q", exit, cause, exit.Lines)
	}
	if text, _ := os.ReadFile(take); string(text) != "an earlier take" {
		t.Error("an earlier take was overwritten")
	}
}

func TestEnvKeepsTheOperatorsSecretsHere(t *testing.T) {
	t.Setenv("TWITCH_KEY", "live_123")
	t.Setenv("TMPDIR", "/tmp")
	t.Setenv("LD_LIBRARY_PATH", "")
	env := ffmpeg.Env("RESTREAMD_OWNER=/data")
	text := strings.Join(env, "\n")
	if strings.Contains(text, "live_123") || !strings.Contains(text, "PATH=") || !strings.Contains(text, "TMPDIR=/tmp") ||
		env[len(env)-1] != "RESTREAMD_OWNER=/data" || strings.Contains(text, "LD_LIBRARY_PATH") {
		t.Errorf("%q", env)
	}
}
