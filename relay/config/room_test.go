package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
)

func loadRecord(t *testing.T, record string) (config.Record, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "restreamd.yml")
	if err := os.WriteFile(file, []byte("streams:\n  main:\n    record: "+record+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		return config.Record{}, err
	}
	return c.Streams[0].Record, nil
}

func TestRoomOfRecordings(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]config.Room{
		"{}":                                  {MinFree: 1e9},
		"{keep: 30d}":                         {Keep: 30 * day, MinFree: 1e9, Removes: true},
		"{keep: 1d12h30m}":                    {Keep: day + 12*time.Hour + 30*time.Minute, MinFree: 1e9, Removes: true},
		"{keep: 36h, max_size: 0}":            {Keep: 36 * time.Hour, MinFree: 1e9, Removes: true},
		"{max_size: 500GB, min_free: 1.5TB}":  {MaxSize: 500e9, MinFree: 1.5e12, Removes: true},
		"{max_size: 1GiB, min_free: 20 MiB}":  {MaxSize: 1 << 30, MinFree: 20 << 20, Removes: true},
		"{max_size: 1kB, min_free: 0}":        {MaxSize: 1000, Removes: true},
		"{max_size: 0GB, min_free: 2.5kB}":    {MinFree: 2500, Removes: true},
		"{min_free: 1000000KB, keep: 36500d}": {Keep: 36500 * day, MinFree: 1e9, Removes: true},
	} {
		if r, err := loadRecord(t, text); err != nil || r.Room != want {
			t.Errorf("%s: %+v, %v, want %+v", text, r.Room, err, want)
		}
	}
	for text, words := range map[string]string{
		"{keep: 30}":                 "keep", // of what?
		"{keep: -1d}":                "keep",
		"{keep: 1d-2h}":              "keep",
		"{keep: 1d30h}":              "keep",
		"{keep: 36501d}":             "keep",
		"{keep: d}":                  "keep",
		"{keep: 99999999999d}":       "keep",
		"{max_size: 5}":              "max_size",
		"{max_size: 5iB}":            "max_size",
		"{max_size: 5G}":             "max_size",
		"{max_size: -5GB}":           "max_size",
		"{max_size: 9999TB}":         "max_size",
		"{min_free: 999999999999TB}": "min_free",
		"{min_free: much}":           "as in 1GB",
		"{min_fre: 1GB}":             "min_free",
	} {
		if _, err := loadRecord(t, text); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "restreamd.yml:3") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
