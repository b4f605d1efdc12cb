package flv_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// coreRates are the sampling rates an AudioSpecificConfig has an index for that people use, by that index.
var coreRates = []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000}

// lowComplexity is the AudioSpecificConfig of AAC-LC.
func lowComplexity(rateIndex, channels int) []byte {
	return []byte{2<<3 | byte(rateIndex>>1), byte(rateIndex<<7) | byte(channels<<3)}
}

// aacFile writes an FLV file of one codec header and the given access units.
func aacFile(t *testing.T, config []byte, seconds float64, units ...[]byte) string {
	t.Helper()
	packets := []relay.Packet{{Kind: relay.Audio, Body: append([]byte{0xAF, 0}, config...)}}
	for i, unit := range units {
		packets = append(packets, relay.Packet{Kind: relay.Audio, DTS: int64(1000 * seconds * float64(i)),
			Body: append([]byte{0xAF, 1}, unit...)})
	}
	path := filepath.Join(t.TempDir(), "aac.flv")
	if err := os.WriteFile(path, frame(true, false, packets), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// decoded is what ffmpeg makes of each file's audio: signed samples of 16 bits. Any complaint of its fails the test.
func decoded(t *testing.T, paths ...string) (pcm [][]byte) {
	t.Helper()
	folder := t.TempDir()
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-xerror", "-err_detect", "explode"}
	var outputs []string
	for i, path := range paths {
		args = append(args, "-i", path)
		output := filepath.Join(folder, fmt.Sprint(i))
		outputs = append(outputs, "-map", fmt.Sprintf("%d:a", i), "-c:a", "pcm_s16le", "-f", "s16le", output)
	}
	if out, err := exec.Command("ffmpeg", append(args, outputs...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("decode %s: %v\n%s", paths, err, out)
	}
	for i := range paths {
		samples, err := os.ReadFile(filepath.Join(folder, fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, samples)
	}
	return pcm
}

func silent(pcm []byte) bool { return len(bytes.Trim(pcm, "\x00")) == 0 }

func repeat(unit []byte, n int) (units [][]byte) {
	for range n {
		units = append(units, unit)
	}
	return units
}

func TestSilentAACIsSilentInEveryConfiguration(t *testing.T) {
	for channels, speakers := range map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8} {
		t.Run(fmt.Sprintf("configuration %d", channels), func(t *testing.T) {
			t.Parallel()
			var files []string
			for index, rate := range coreRates {
				config := lowComplexity(index, channels)
				unit, samples, gotRate, err := flv.SilentAAC(config)
				if err != nil || samples != 1024 || gotRate != rate {
					t.Fatalf("%d Hz: %d samples at %d Hz, %v", rate, samples, gotRate, err)
				}
				files = append(files, aacFile(t, config, float64(samples)/float64(rate), repeat(unit, 10)...))
			}
			for i, pcm := range decoded(t, files...) {
				if len(pcm) != 10*1024*2*speakers || !silent(pcm) {
					t.Errorf("%d Hz: %d bytes of samples for %d channels, silent %t", coreRates[i], len(pcm), speakers, silent(pcm))
				}
			}
		})
	}
}

func TestSilentAACOfOtherConfigurations(t *testing.T) {
	for name, tc := range map[string]struct {
		config        string
		samples, rate int
		decoded       int // bytes of samples of one unit, 0 where ffmpeg does not know the configuration
	}{
		"960 samples a frame":     {"1194", 960, 48000, 960 * 2 * 2},
		"a rate without an index": {"17805dc010", 1024, 48000, 0},
		"HE-AAC":                  {"2b118800", 1024, 24000, 2048 * 2 * 2},
		"HE-AAC v2":               {"eb098800", 1024, 24000, 2048 * 2 * 2},
		"HE-AAC, told behind":     {"131056e598", 1024, 24000, 2048 * 2 * 2},
		"AAC-LC with no SBR":      {"119056e500", 1024, 48000, 1024 * 2 * 2},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := hex.DecodeString(tc.config)
			if err != nil {
				t.Fatal(err)
			}
			unit, samples, rate, err := flv.SilentAAC(config)
			if err != nil || samples != tc.samples || rate != tc.rate {
				t.Fatalf("%d samples at %d Hz, %v", samples, rate, err)
			}
			if tc.decoded == 0 {
				return
			}
			pcm := decoded(t, aacFile(t, config, float64(samples)/float64(rate), repeat(unit, 10)...))[0]
			if len(pcm) != 10*tc.decoded || !silent(pcm) {
				t.Errorf("%d bytes of samples, want %d of zeros", len(pcm), 10*tc.decoded)
			}
		})
	}
}

// encoded is real AAC of ffmpeg's own encoder: its AudioSpecificConfig and access units.
func encoded(t *testing.T, rate int, layout string) (config []byte, units [][]byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "real.flv")
	source := fmt.Sprintf("sine=frequency=440:sample_rate=%d:duration=0.5,aformat=channel_layouts=%s", rate, layout)
	out, err := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", source,
		"-c:a", "aac", path).CombinedOutput()
	if err != nil {
		t.Fatalf("encode: %v\n%s", err, out)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	packets, _ := readAll(bytes.NewReader(file))
	for _, p := range packets {
		switch {
		case p.Slot == relay.HeaderSlot(relay.Audio, 0):
			_, config = flv.Codec(p)
		case p.Kind == relay.Audio:
			units = append(units, p.Body[2:])
		}
	}
	return config, units
}

func TestSilentAACStandsBetweenRealFrames(t *testing.T) {
	for _, layout := range []string{"mono", "stereo", "3.0", "4.0", "5.0", "5.1", "7.1"} {
		for _, rate := range []int{96000, 44100, 8000} {
			t.Run(fmt.Sprintf("%s at %d Hz", layout, rate), func(t *testing.T) {
				t.Parallel()
				config, live := encoded(t, rate, layout)
				unit, samples, _, err := flv.SilentAAC(config)
				if err != nil {
					t.Fatal(err)
				}
				units := append(append(append([][]byte{}, live...), repeat(unit, 20)...), live...)
				pcm := decoded(t, aacFile(t, config, float64(samples)/float64(rate), units...))[0]
				size := len(pcm) / len(units)
				// A frame overlaps the one before: the first silent frame carries what the last live one left.
				if !silent(pcm[(len(live)+1)*size : (len(live)+20)*size]) {
					t.Error("not silent between the live frames")
				}
				if silent(pcm[(len(live)+22)*size:]) {
					t.Error("the live frames behind are silent")
				}
			})
		}
	}
}

func TestSilentAACInOtherContainers(t *testing.T) {
	config := lowComplexity(3, 6)
	unit, samples, rate, err := flv.SilentAAC(config)
	if err != nil {
		t.Fatal(err)
	}
	source := aacFile(t, config, float64(samples)/float64(rate), repeat(unit, 50)...)
	for _, name := range []string{"silence.mp4", "silence.aac", "silence.ts", "silence.mkv"} {
		path := filepath.Join(t.TempDir(), name)
		out, err := exec.Command("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-i", source, "-c", "copy",
			path).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Fatalf("copy to %s: %v\n%s", name, err, out)
		}
		out, err = exec.Command("ffmpeg", "-hide_banner", "-nostdin", "-i", path, "-af", "volumedetect", "-f", "null", "-").
			CombinedOutput()
		if volume := regexp.MustCompile(`max_volume: (\S+) dB`).FindSubmatch(out); err != nil || volume == nil ||
			string(volume[1]) != "-91.0" {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if !silent(decoded(t, path)[0]) {
			t.Errorf("%s is not silent", name)
		}
	}
}

func TestSilentAACRefusesWhatItCannotServe(t *testing.T) {
	for name, tc := range map[string]struct{ config, reason string }{
		"nothing":                  {"", "too short"},
		"one byte":                 {"11", "too short"},
		"HE-AAC cut short":         {"2b11", "too short"},
		"channels described apart": {"1180", "channel configuration 0"},
		"reserved channels":        {"11c0", "channel configuration 8"},
		"7.1 with height":          {"11f0", "channel configuration 14"},
		"AAC Main":                 {"0990", "object type 1 "},
		"error resilient":          {"8990", "object type 17"},
		"HE-AAC around ER":         {"2b11c400", "object type 17"},
		"xHE-AAC":                  {"f9464000", "object type 42"},
		"reserved rate":            {"1690", "no sampling rate"},
		"a rate of 0":              {"1780000010", "no sampling rate"},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := hex.DecodeString(tc.config)
			if err != nil {
				t.Fatal(err)
			}
			unit, _, _, err := flv.SilentAAC(config)
			if err == nil || unit != nil || !strings.Contains(err.Error()+" ", tc.reason) {
				t.Errorf("%x, %v; want %q", unit, err, tc.reason)
			}
		})
	}
}

func FuzzSilentAAC(f *testing.F) {
	for _, config := range []string{"\x11\x90", "\x2b\x11\x88\x00", "\x17\x80\x5d\xc0\x10", "\xf9\x46\x40\x00", ""} {
		f.Add([]byte(config))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		unit, samples, rate, err := flv.SilentAAC(config)
		if (err == nil) != (len(unit) > 0 && samples > 0 && rate > 0) {
			t.Errorf("%x, %d samples at %d Hz, %v", unit, samples, rate, err)
		}
	})
}
