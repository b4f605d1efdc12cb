package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
)

func TestHLS(t *testing.T) {
	load := func(text string) (config.HLS, error) {
		file := filepath.Join(t.TempDir(), "restreamd.yml")
		if err := os.WriteFile(file, []byte("streams:\n  main:\n    hls: "+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(file)
		if err != nil {
			return config.HLS{}, err
		}
		return c.Streams[0].HLS, nil
	}
	usual := config.HLS{Enabled: true, Segment: 2 * time.Second, Window: 6, Type: config.HLSAuto}
	if h, err := load("{}"); err != nil || !reflect.DeepEqual(h, usual) {
		t.Errorf("defaults: %+v, %v", h, err)
	}
	want := config.HLS{Enabled: true, Segment: 4 * time.Second, Window: 3, Type: config.HLSFMP4, DVR: 2 * time.Hour, VODKeep: 24 * time.Hour, DASH: true}
	if h, err := load("{segment: 4s, window: 3, type: fmp4, dvr: 2h, vod_keep: 24h, dash: true}"); err != nil || !reflect.DeepEqual(h, want) {
		t.Errorf("all of it: %+v, %v", h, err)
	}
	for text, words := range map[string]string{
		"{type: webm}":    "hls.type: not one of the choices",
		"{dvr: 13h}":      "hls.dvr: not a duration in range",
		"{vod_keep: -1h}": "hls.vod_keep: not a duration in range",
		"{dash: yes}":     "hls.dash: neither true nor false",
	} {
		if _, err := load(text); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: error %v, want %q", text, err, words)
		}
	}
}
