package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/recorder"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// niceFFmpeg is an ffmpeg that writes down how nice it was when it was finishing a recording.
func niceFFmpeg(t *testing.T) (exe, log string) {
	t.Helper()
	real, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	exe, log = filepath.Join(dir, "ffmpeg"), filepath.Join(dir, "nice")
	script := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *ffmetadata*|*framecrc*) %q \"$@\"; code=$?; nice >>%q; exit $code;; esac\nexec %q \"$@\"\n", real, log, real)
	if err := os.WriteFile(exe, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return exe, log
}

// finished waits until a recording is finished, and returns what stands beside it.
func finished(t *testing.T, r *rt.Relay, name string) (file string, s recorder.Sidecar) {
	t.Helper()
	file = filepath.Join(r.Data, "recordings", name)
	rt.Eventually(t, patient, name+" to be finished", func() bool {
		var err error
		s, err = recorder.ReadSidecar(file)
		return err == nil
	})
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(content); s.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("%s is told to have another SHA-256", name)
	}
	return file, s
}

// Each stream's recordings are in its own container, under its own name; they are made while another show goes on, which
// loses nothing by it.
func TestRecordForms(t *testing.T) {
	t.Parallel()
	ffmpeg, nice := niceFFmpeg(t)
	key := canary("aux")
	r := rt.StartRelay(t, rt.ExtraConfig("ffmpeg: "+ffmpeg),
		rt.StreamConfig("hls: {enabled: false}\nrecord: {container: mkv, name: 'shows/{stream}'}"),
		rt.Stream("aux", "keys: [{name: aux, key: "+key+"}]\nhls: {enabled: false}\nrecord: {container: ts}"))
	long, brief := rt.Media(t), rt.Media(t, rt.Duration(2*time.Second))
	aux := rt.Publish(t, "rtmp://"+r.RTMP+"/live/"+key, long)
	if pub := rt.Publish(t, r.PublishURL(), brief); pub.Wait() != 0 {
		t.Fatal("the encoder failed")
	}
	file, about := finished(t, r, "shows/main.mkv")
	sameHashes(t, "MKV video", rt.VideoHashes(t, file), rt.VideoHashes(t, brief))
	sameHashes(t, "MKV audio", rt.AudioHashes(t, file), rt.AudioHashes(t, brief))
	if about.Stream != "main" || about.Container != recorder.MKV || len(about.Tracks) != 2 {
		t.Errorf("sidecar: %+v", about)
	}

	if aux.Wait() != 0 {
		t.Fatal("the encoder failed")
	}
	var ts string
	rt.Eventually(t, patient, "the other recording to be finished", func() bool {
		all, _ := filepath.Glob(filepath.Join(r.Data, "recordings", "aux", "*.ts"))
		for _, ts = range all {
			return true
		}
		return false
	})
	name, err := filepath.Rel(filepath.Join(r.Data, "recordings"), ts)
	if err != nil {
		t.Fatal(err)
	}
	_, about = finished(t, r, name)
	sameHashes(t, "TS video", rt.VideoHashesAnnexB(t, ts), rt.VideoHashesAnnexB(t, long))
	if want := len(rt.AudioHashes(t, long)); about.Tracks[1].Packets != want {
		t.Errorf("TS audio: %d packets, want %d", about.Tracks[1].Packets, want)
	}

	lines, err := os.ReadFile(nice)
	if err != nil || strings.Count(string(lines), "\n") != 4 || strings.Trim(string(lines), "19\n") != "" {
		t.Errorf("finishing and reading back were as nice as %q (%v), want 19 four times", lines, err)
	}

	// What is finished stays so.
	if code := r.Stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r = rt.StartRelay(t, rt.InDir(r.Dir), rt.StreamConfig("record: {container: mkv, name: 'shows/{stream}'}"))
	if code := r.Stop(t); code != 0 || strings.Contains(r.Log(), "recording finished") {
		t.Errorf("exit code %d; a finished file was finished again", code)
	}
}
