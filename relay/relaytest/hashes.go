package relaytest

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// VideoHashes returns the MD5 of every video packet of a file, in the file's order (that is, by DTS). For H.264 a
// packet is its NAL units, each with its length in front: the bytes of an FLV tag's body after the first five, and
// of an MP4 sample. So FLV, MP4, Matroska and a [Session] agree as long as nobody touched the media. MPEG-TS
// stores other bytes for the same picture: compare it with [VideoHashesAnnexB].
func VideoHashes(t testing.TB, path string) []string {
	t.Helper()
	return packetHashes(t, path, "v:0")
}

// AudioHashes returns the MD5 of every audio packet of a file, in the file's order. For AAC a packet is the raw
// frame without an ADTS header: FLV, MP4, Matroska and a [Session] agree.
func AudioHashes(t testing.TB, path string) []string {
	t.Helper()
	return packetHashes(t, path, "a:0")
}

func packetHashes(t testing.TB, path, track string) []string {
	t.Helper()
	hashes, err := PacketHashes(path, track)
	if err != nil {
		t.Fatal(err)
	}
	return hashes
}

// PacketHashes is [VideoHashes] (track "v:0") and [AudioHashes] ("a:0") for programs that are no tests.
func PacketHashes(path, track string) ([]string, error) {
	out, err := run("ffprobe", "-v", "error", "-select_streams", track, "-show_packets", "-show_data_hash", "md5",
		"-show_entries", "packet=data_hash", "-of", "csv=p=0", path)
	if err != nil {
		return nil, err
	}
	var hashes []string
	for line := range strings.Lines(out) {
		// Packets with side data get a trailing comma, and side data a line of its own.
		if _, hash, ok := strings.Cut(strings.TrimRight(line, ",\n"), "MD5:"); ok {
			hashes = append(hashes, hash)
		}
	}
	return hashes, nil
}

// VideoHashesAnnexB returns the MD5 of every H.264 packet of a file, whatever container it is in, MPEG-TS and HLS
// playlists included. Only slices count: muxers add and drop parameter sets, access unit delimiters and SEI, and
// write start codes instead of lengths, so those are left out and the rest is brought to one form first.
func VideoHashesAnnexB(t testing.TB, path string) []string {
	t.Helper()
	out, err := run("ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-i", path,
		"-map", "0:v:0", "-c", "copy", "-copyinkf", "-copyts",
		"-bsf:v", "h264_mp4toannexb,filter_units=remove_types=6-9", "-f", "framehash", "-hash", "md5", "-")
	if err != nil {
		t.Fatal(err)
	}
	var hashes []string
	for line := range strings.Lines(out) {
		// stream, dts, pts, duration, size, hash; MPEG-TS adds hashes of its side data behind.
		if fields := strings.Split(line, ","); len(fields) >= 6 && !strings.HasPrefix(line, "#") {
			hashes = append(hashes, strings.TrimSpace(fields[5]))
		}
	}
	return hashes
}

// run returns what a program printed to its standard output.
func run(name string, args ...string) (string, error) {
	var stderr strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s: %w\n%s", name, err, stderr.String())
	}
	return string(out), nil
}
