package ffmpeg_test

import (
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/ffmpeg"
)

// What ffmpeg 5.1.9 wrote for a copy of 3 s, and for an HLS job that had written nothing yet.
const progressText = `frame=0
fps=0.00
stream_0_0_q=-1.0
bitrate=  16.5kbits/s
total_size=48
out_time_us=23220
out_time_ms=23220
out_time=00:00:00.023220
dup_frames=0
drop_frames=0
speed=N/A
progress=continue
frame=75
bitrate= 274.3kbits/s
total_size=104279
out_time_us=3041610
out_time=00:00:03.041610
speed=3.05e+03x
progress=continue
frame=1
total_size=N/A
out_time_us=-9223372036854775807
out_time=N/A
speed=   1x
progress=continue
progress=end
`

func TestProgressParser(t *testing.T) {
	var parser ffmpeg.ProgressParser
	var got []ffmpeg.Progress
	for line := range strings.Lines(progressText) {
		if report, ok := parser.Line(line); ok {
			got = append(got, report)
		}
	}
	want := []ffmpeg.Progress{
		{Bytes: 48, OutTime: 23220 * time.Microsecond},
		{Frame: 75, Bytes: 104279, OutTime: 3041610 * time.Microsecond, Speed: 3050},
		{Frame: 1, Speed: 1},
		{End: true}, // nothing is carried over from the report before
	}
	if len(got) != len(want) {
		t.Fatalf("%d reports, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("report %d: %+v, want %+v", i, got[i], want[i])
		}
	}
}

func FuzzProgressParser(f *testing.F) {
	f.Add(progressText)
	f.Add("speed=NaNx\nframe=-1\nout_time_us=9223372036854775807\nprogress=")
	f.Add("speed=1e999x\ntotal_size=99999999999999999999\n=\nprogress=end")
	f.Fuzz(func(t *testing.T, text string) {
		var parser ffmpeg.ProgressParser
		for line := range strings.Lines(text) {
			report, ok := parser.Line(line)
			if ok != strings.HasPrefix(strings.TrimSpace(line), "progress=") {
				t.Errorf("line %q: %v", line, ok)
			}
			if report.Frame < 0 || report.Bytes < 0 || !(report.Speed >= 0) || report.Speed > 1e308 {
				t.Errorf("line %q: %+v", line, report)
			}
		}
	})
}
