package flv_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// Silence made from any encoder's MP3 is as long as it says, and nothing to hear, behind that encoder's sound as well.
func TestSilentMP3(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000} {
		for channels := 1; channels <= 2; channels++ {
			t.Run(fmt.Sprint(rate, " Hz ", channels), func(t *testing.T) {
				t.Parallel()
				const frames = 20
				file := filepath.Join(t.TempDir(), "sound.mp3")
				out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-t", "0.5", "-i", "sine=frequency=440:sample_rate="+strconv.Itoa(rate),
					"-ac", strconv.Itoa(channels), "-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0", file).CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				sound, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				p := relay.Packet{Kind: relay.Audio, Body: append([]byte{0x2F}, sound...)}
				body, samples, at, err := flv.SilentMP3(p)
				if err != nil {
					t.Fatal(err)
				}
				if at != rate || body[0] != 0x2F {
					t.Fatalf("%d Hz, tag %#x", at, body[0])
				}
				silence := bytes.Repeat(body[1:], frames)
				quiet, both := filepath.Join(t.TempDir(), "silent.mp3"), filepath.Join(t.TempDir(), "both.mp3")
				for name, data := range map[string][]byte{quiet: silence, both: append(sound, silence...)} {
					if err := os.WriteFile(name, data, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				pcm := decoded(t, quiet, both)
				if got, want := len(pcm[0]), frames*samples*channels*2; got != want {
					t.Errorf("%d frames are %d bytes of samples, want %d", frames, got, want)
				}
				tail := pcm[1][len(pcm[1])-(frames-2)*samples*channels*2:] // two frames for the sound to fade
				if !silent(append(tail, pcm[0]...)) {
					t.Error("there is something to hear")
				}
			})
		}
	}
}

func TestSilentMP3Refuses(t *testing.T) {
	t.Parallel()
	frame := []byte{0xFF, 0xFB, 0x90, 0x00}
	for name, p := range map[string]relay.Packet{
		"nothing":      {Kind: relay.Audio},
		"video":        {Kind: relay.Video, Body: append([]byte{0x2F}, frame...)},
		"AAC":          {Kind: relay.Audio, Body: append([]byte{0xAF, 1}, frame...)},
		"half a frame": {Kind: relay.Audio, Body: []byte{0x2F, 0xFF, 0xFB}},
		"half of more": {Kind: relay.Audio, Body: []byte{0x91, '.', 'm', 'p', '3', 0xFF, 0xFB}},
		"no frame":     {Kind: relay.Audio, Body: []byte{0x2F, 0, 0, 0, 0}},
		"layer II":     {Kind: relay.Audio, Body: []byte{0x2F, 0xFF, 0xFD, 0x90, 0}},
		"free format":  {Kind: relay.Audio, Body: []byte{0x2F, 0xFF, 0xFB, 0x00, 0}},
		"no bitrate":   {Kind: relay.Audio, Body: []byte{0x2F, 0xFF, 0xFB, 0xF0, 0}},
		"no rate":      {Kind: relay.Audio, Body: []byte{0x2F, 0xFF, 0xFB, 0x9C, 0}},
		"no version":   {Kind: relay.Audio, Body: []byte{0x2F, 0xFF, 0xEB, 0x90, 0}},
		"header":       {Kind: relay.Audio, Slot: relay.HeaderSlot(relay.Audio, 0), Body: append([]byte{0x2F}, frame...)},
	} {
		if body, _, _, err := flv.SilentMP3(p); err == nil {
			t.Errorf("%s: made %d bytes", name, len(body))
		}
	}
	body, _, _, err := flv.SilentMP3(relay.Packet{Kind: relay.Audio, Body: append([]byte("\x91.mp3"), frame...)})
	if err != nil || len(body) != 5+417 || string(body[:5]) != "\x91.mp3" {
		t.Errorf("Enhanced RTMP: %d bytes, %v", len(body), err)
	}
}
