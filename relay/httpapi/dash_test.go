package httpapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A manifest as ffmpeg writes it plays with the token that it was fetched with: every segment is asked for with it.
func TestDASHPlaysByToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made, err := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc=s=160x90:r=30:d=3", "-f", "lavfi", "-i", "sine=d=3",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-c:a", "aac", "-f", "dash", "-seg_duration", "1", filepath.Join(dir, "manifest.mpd")).CombinedOutput()
	if err != nil {
		t.Fatalf("make DASH (scripts/install-ffmpeg.sh installs what it takes): %v\n%s", err, made)
	}
	s := server(&relayed{})
	s.Viewers = audience{byToken}
	s.HLS = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.PathValue("file"), ".mpd") {
			w.Header().Set("Content-Type", "application/dash+xml")
		}
		http.ServeFile(w, r, filepath.Join(dir, r.PathValue("file")))
	})
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	url := fmt.Sprintf("%s/hls/main/manifest.mpd?token=%s", srv.URL, approved)
	out, err := exec.Command("ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", url).CombinedOutput()
	if text := strings.Join(strings.Fields(string(out)), " "); err != nil || !strings.HasPrefix(text, "h264,90 aac,") {
		t.Errorf("played %q, want all 90 pictures and the sound: %v", text, err)
	}
	if out, err := exec.Command("ffprobe", "-v", "error", strings.TrimSuffix(url, approved)).CombinedOutput(); err == nil {
		t.Errorf("it plays without a token: %s", out)
	}
}
