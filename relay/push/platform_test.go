package push_test

import (
	"testing"

	"github.com/restreamd/restreamd/relay/push"
	"github.com/restreamd/restreamd/relay/secret"
)

func TestPlatformsAreUsable(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range push.Platforms() {
		if p.Name == "" || seen[p.Name] || p.Note == "" {
			t.Errorf("%q has no name, no note, or stands there twice", p.Name)
		}
		seen[p.Name] = true
		if p.URLRequired() {
			if p.URLForm == "" || p.BackupURL != "" {
				t.Errorf("%s asks for a URL without saying what it looks like, or has a backup but no URL", p.Name)
			}
			continue
		}
		for _, url := range []string{p.URL, p.BackupURL} {
			if _, notes, err := push.Parse(p.Name, url, secret.New("k")); err != nil || len(notes) > 0 {
				t.Errorf("%s: %s: %q, %v", p.Name, url, notes, err)
			}
		}
	}
	for _, name := range []string{"youtube", "twitch", "facebook", "kick", "tiktok", "ivs"} {
		if found, ok := push.Lookup(name); !ok || found.Name != name {
			t.Errorf("%s is not known", name)
		}
	}
}
