package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
)

func loadHold(t *testing.T, hold string) (config.Hold, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "restreamd.yml")
	if err := os.WriteFile(file, []byte("streams:\n  main:\n    hold: "+hold+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		return config.Hold{}, err
	}
	h := c.Streams[0].Hold
	h.Slate = strings.TrimPrefix(h.Slate, filepath.Dir(file)+"/")
	return h, nil
}

func TestHold(t *testing.T) {
	usual := config.Hold{For: 2 * time.Minute, Show: config.HoldFreeze, Every: 500 * time.Millisecond,
		Return: config.HoldKeyframe, Stall: time.Second, FailBack: 10 * time.Second}
	if h, err := loadHold(t, "{}"); err != nil || h != usual {
		t.Errorf("defaults: %+v, %v", h, err)
	}
	all := "{for: 10s, after_stop: 5s, show: slate, every: 1s, slate: brb.png, return: gop, stall: 2s, floor: 300kbps, fail_back: 0s}"
	want := config.Hold{For: 10 * time.Second, AfterStop: 5 * time.Second, Show: config.HoldSlate, Slate: "brb.png", Return: config.HoldGOP, Every: time.Second,
		Stall: 2 * time.Second, Floor: 300_000}
	if h, err := loadHold(t, all); err != nil || h != want {
		t.Errorf("all of it: %+v, %v", h, err)
	}
	for text, words := range map[string]string{
		"{show: slate}":      "no slate is named",
		"{slate: brb.png}":   "show: slate",
		"{show: clip}":       "show",
		"{stall: 1ms}":       "stall",
		"{every: 1ms}":       "every",
		"{for: 2h}":          "for",
		"{floor: 1kbps}":     "floor",
		"{return: never}":    "return",
		"{fail_bak: 1s}":     "fail_back",
		"{after_stop: soon}": "after_stop",
	} {
		if _, err := loadHold(t, text); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "restreamd.yml:3") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
