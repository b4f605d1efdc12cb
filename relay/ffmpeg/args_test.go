package ffmpeg_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/secret"
)

var update = flag.Bool("update", false, "write the golden files")

const key = "live_123456_abcdef"

func push() ffmpeg.Job {
	return ffmpeg.Job{
		Input: ffmpeg.FLVInput(),
		Outputs: []ffmpeg.Output{{
			URL:     "rtmp://127.0.0.1:4000/app",
			Options: ffmpeg.Options{"f": "flv", "c": "copy", "flvflags": "no_duration_filesize", "shortest": ""},
			Preset:  []ffmpeg.PresetLine{{Option: "rtmp_playpath", Value: secret.New(key)}},
		}},
	}
}

func several() ffmpeg.Job {
	job := push()
	job.Outputs = append(job.Outputs,
		ffmpeg.Output{URL: "/data/take.mkv", Options: ffmpeg.Options{"f": "matroska", "c": "copy"}, Map: []string{"0:v", "0:a:1?"}},
		ffmpeg.Output{URL: "rtmp://127.0.0.1:4001/app", Options: ffmpeg.Options{"f": "flv"}, Preset: []ffmpeg.PresetLine{
			{Option: "rtmp_playpath", Value: secret.New("second")}, {Option: "rtmp_conn", Value: secret.New("S:third")},
		}})
	return job
}

// silent has silence beside what is fed.
func silent() ffmpeg.Job {
	job := push()
	job.Beside = []ffmpeg.Input{{URL: "anullsrc=r=48000:cl=stereo", Options: ffmpeg.Options{"f": "lavfi"}}}
	job.Outputs[0].Map = []string{"0:v?", "1:a"}
	return job
}

func TestArgsGolden(t *testing.T) {
	for name, job := range map[string]ffmpeg.Job{"push": push(), "several": several(), "silent": silent()} {
		args, err := job.Args()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(args, "\n") + "\n"
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || got != string(want) {
			t.Errorf("%s: %v; got\n%s\nwant\n%s(-update writes it)", name, err, got, want)
		}
		if strings.Contains(got, key) {
			t.Errorf("%s: the key stands in the arguments", name)
		}
	}
}

func TestArgsLeaveTheJobAlone(t *testing.T) {
	job := push()
	first, _ := job.Args()
	second, _ := job.Args()
	if !slices.Equal(first, second) || len(job.Input.Options) != 3 || len(job.Outputs[0].Options) != 4 {
		t.Errorf("changed by Args: %+v", job)
	}
}

func TestSecrets(t *testing.T) {
	secrets, err := several().Secrets()
	if err != nil || len(secrets) != 2 {
		t.Fatalf("%d secrets, %v", len(secrets), err)
	}
	if got := string(secrets[0]); got != "rtmp_playpath="+key+"\n" {
		t.Errorf("first: %q", got)
	}
	if got := string(secrets[1]); got != "rtmp_playpath=second\nrtmp_conn=S:third\n" {
		t.Errorf("second: %q", got)
	}
}

func TestArgsRefuse(t *testing.T) {
	option := func(name, value string) func(*ffmpeg.Job) {
		return func(j *ffmpeg.Job) { j.Outputs[0].Options[name] = value }
	}
	preset := func(name, value string) func(*ffmpeg.Job) {
		return func(j *ffmpeg.Job) {
			j.Outputs[0].Preset = []ffmpeg.PresetLine{{Option: name, Value: secret.New(value)}}
		}
	}
	selector := func(s string) func(*ffmpeg.Job) {
		return func(j *ffmpeg.Job) { j.Outputs[0].Map = []string{"0:v", s} }
	}
	for name, spoil := range map[string]func(*ffmpeg.Job){
		"no output":          func(j *ffmpeg.Job) { j.Outputs = nil },
		"empty input":        func(j *ffmpeg.Job) { j.Input.URL = "" },
		"empty URL":          func(j *ffmpeg.Job) { j.Outputs[0].URL = "" },
		"URL is an option":   func(j *ffmpeg.Job) { j.Outputs[0].URL = "-y" },
		"URL with newline":   func(j *ffmpeg.Job) { j.Outputs[0].URL = "rtmp://h/a\nb" },
		"same URL":           func(j *ffmpeg.Job) { j.Outputs = append(j.Outputs, j.Outputs[0]) },
		"option with space":  option("f flv", "1"),
		"option with dash":   option("-f", "1"),
		"empty option":       option("", "1"),
		"value with newline": option("metadata", "a\nb"),
		"reserved filename":  option("filename", "/etc/passwd"),
		"reserved input":     option("i", "/etc/passwd"),
		"reserved preset":    option("fpre", "/etc/passwd"),
		"map":                selector("-0:v"),
		"map with space":     selector("0:v -y"),
		"map of no input":    selector("2:a"),
		"map of far input":   selector("256:a"),
		"map of no stream":   selector("1:"),
		"map of all":         selector("1"),
		"map by label":       selector("[out]"),
		"signed input":       selector("+1:a"),
		"empty selector":     selector(""),
		"empty second input": func(j *ffmpeg.Job) { j.Beside[0].URL = "" },
		"second input is -y": func(j *ffmpeg.Job) { j.Beside[0].URL = "-y" },
		"its option":         func(j *ffmpeg.Job) { j.Beside[0].Options = ffmpeg.Options{"i": "/etc/passwd"} },
		"input option":       func(j *ffmpeg.Job) { j.Input.Options = ffmpeg.Options{"x\x00": ""} },
		"key with newline":   preset("rtmp_playpath", key+"\nrtmp_app=other"),
		"key with return":    preset("rtmp_playpath", key+"\r"),
		"empty key":          preset("rtmp_playpath", ""),
		"long key":           preset("rtmp_playpath", strings.Repeat(key, 60)),
		"preset option":      preset("rtmp playpath", key),
	} {
		job := silent()
		spoil(&job)
		_, err := job.Args()
		_, secretsErr := job.Secrets()
		if err == nil || secretsErr == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if strings.Contains(err.Error(), key) || !strings.HasPrefix(err.Error(), "ffmpeg job: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLongestKeyReachesFFmpegWhole(t *testing.T) {
	needFFmpeg(t)
	job := push()
	job.Outputs[0].URL, job.Outputs[0].Options = "pipe:1", ffmpeg.Options{"f": "hash", "c": "copy"}
	for length, refused := range map[int]bool{998 - len("hash="): false, 999 - len("hash="): true} {
		job.Outputs[0].Preset = []ffmpeg.PresetLine{{Option: "hash", Value: secret.New(strings.Repeat("h", length))}}
		if _, err := job.Args(); (err != nil) != refused {
			t.Errorf("%d bytes: %v", length, err)
		}
		if refused {
			continue
		}
		// No such hash, but read as one line: a rest taken for a second line would be a syntax error.
		_, _, exit := run(t, job, clip(t))
		if text := strings.Join(exit.Lines, "\n"); exit.Code == 0 || strings.Contains(text, "Invalid syntax") {
			t.Errorf("%d bytes: %v: %s", length, exit, text)
		}
	}
}

func FuzzArgs(f *testing.F) {
	f.Add("rtmp://127.0.0.1/app", "f", "flv", "0:v?", "rtmp_playpath", key)
	f.Add("-y", "filename", "\n", "[0]", "b:v", "x\r\n")
	f.Fuzz(func(t *testing.T, url, option, value, selector, presetOption, presetValue string) {
		job := ffmpeg.Job{
			Input: ffmpeg.Input{URL: url, Options: ffmpeg.Options{option: value}},
			Outputs: []ffmpeg.Output{
				{URL: url, Options: ffmpeg.Options{option: value}, Map: []string{selector},
					Preset: []ffmpeg.PresetLine{{Option: presetOption, Value: secret.New(presetValue)}}},
				{URL: url + "2", Options: ffmpeg.Options{"c": "copy"}},
			},
		}
		args, err := job.Args()
		if err != nil {
			return
		}
		if !slices.Contains(args, url) || !slices.Contains(args, url+"2") || !slices.Contains(args, "-"+option) {
			t.Errorf("something is missing: %q", args)
		}
		secrets, err := job.Secrets()
		if err != nil || strings.Count(string(secrets[0]), "\n") != 1 {
			t.Errorf("secrets %q, %v", secrets, err)
		}
	})
}
