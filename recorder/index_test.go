package recorder_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// What an index says is what ffprobe counts, fragmented and finished.
func TestIndex(t *testing.T) {
	for name, media := range map[string]string{
		"both":  relaytest.Media(t),
		"video": short(t, relaytest.VideoOnly()),
		"audio": short(t, relaytest.AudioOnly()),
		"long":  relaytest.Media(t, relaytest.Duration(12*time.Second), relaytest.GOP(6*time.Second), relaytest.Size(256, 144), relaytest.Bitrate(300)),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := record(t, dir, media)
			before := checkIndex(t, file, media)
			finished := filepath.Join(dir, "finished.mp4")
			if err := runFFmpeg(t.Context(), recorder.MP4.FinishJob(file, finished, write(t, []byte(";FFMETADATA1\n"), dir, "told"))); err != nil {
				t.Fatal(err)
			}
			after := checkIndex(t, finished, media)
			if d := (before - after).Abs(); d > 2*time.Millisecond {
				t.Errorf("it lasts %v fragmented and %v finished", before, after)
			}
			if alike, err := recorder.Alike(file, finished); err != nil || !alike {
				t.Errorf("fragmented and finished are taken for different: %v", err)
			}
		})
	}
}

func checkIndex(t *testing.T, file, media string) time.Duration {
	t.Helper()
	packets, sure, lasts, err := recorder.Index(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []int
	for _, of := range []func(testing.TB, string) []string{relaytest.VideoHashes, relaytest.AudioHashes} {
		if n := len(of(t, media)); n > 0 {
			want = append(want, n)
		}
	}
	if len(packets) != len(want) {
		t.Fatalf("%d tracks, want %d", len(packets), len(want))
	}
	for i := range want {
		if packets[i] != want[i] || sure[i] != want[i] {
			t.Errorf("track %d: %d packets, %d of them beyond doubt, want %d", i, packets[i], sure[i], want[i])
		}
	}
	if d := lasts.Seconds() - length(t, file); math.Abs(d) > 0.05 {
		t.Errorf("it lasts %v, ffprobe says %f s", lasts, length(t, file))
	}
	return lasts
}

// Encoders estimate bitrates; what decoding depends on is compared.
func TestAlike(t *testing.T) {
	dir := t.TempDir()
	file := record(t, dir, short(t))
	for name, c := range map[string]struct {
		media string
		want  bool
	}{
		"the same":           {short(t), true},
		"of another bitrate": {short(t, relaytest.Bitrate(300)), true},
		"of another size":    {short(t, relaytest.Size(320, 180)), false},
		"without sound":      {short(t, relaytest.VideoOnly()), false},
	} {
		t.Run(name, func(t *testing.T) {
			other := record(t, dir, c.media)
			if alike, err := recorder.Alike(file, other); err != nil || alike != c.want {
				t.Errorf("got %v, %v, want %v", alike, err, c.want)
			}
		})
	}
}

// Whatever a file says of itself, looking into it ends, and costs no more than the file has.
func FuzzIndex(f *testing.F) {
	live, err := os.ReadFile(filepath.Join("testdata", "tiny.mp4"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(live)
	f.Add(live[:len(live)/2])
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		file := filepath.Join(dir, "a.mp4")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		packets, sure, _, _ := recorder.Index(file)
		for i := range packets {
			if sure[i] > packets[i] {
				t.Errorf("track %d: %d of %d packets beyond doubt", i, sure[i], packets[i])
			}
		}
	})
}
