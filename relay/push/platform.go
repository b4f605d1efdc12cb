package push

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Platform is what restreamd knows of one platform. The facts live in platforms.yml.
type Platform struct {
	Name       string   `yaml:"name"`        // what a destination's file says after "platform:"
	URL        string   `yaml:"url"`         // the ingest without the key; empty: every user has an own one
	URLForm    string   `yaml:"url_form"`    // how to recognize that own URL; only where URL is empty
	BackupURL  string   `yaml:"backup_url"`  // the second ingest; empty: none known
	Hosts      []string `yaml:"hosts"`       // the platform's own names and their parents: URLs there are checked closely
	DefaultApp string   `yaml:"default_app"` // added to a user's URL that lacks an app; empty: such a URL is a mistake
	Note       string   `yaml:"note"`        // advice for the person who streams

	Contract Contract `yaml:"contract"`
}

// Backup is the target of the platform's second ingest, with the same key. There is none if the platform has none, or if
// t is that already.
func (p Platform) Backup(t Target) (Target, bool) {
	if p.BackupURL == "" {
		return Target{}, false
	}
	backup, _, err := Parse(p.Name, p.BackupURL, t.Key)
	if err != nil || backup.TCURL() == t.TCURL() {
		return Target{}, false
	}
	return backup, true
}

// URLRequired reports whether a destination on this platform must give its own URL.
func (p Platform) URLRequired() bool { return p.URL == "" }

//go:embed platforms.yml
var platformsFile []byte

// The file is part of the program, so a mistake in it is a bug and found by the first test that runs.
var loadPlatforms = sync.OnceValue(func() []Platform {
	decoder := yaml.NewDecoder(bytes.NewReader(platformsFile))
	decoder.KnownFields(true)
	var platforms []Platform
	if err := decoder.Decode(&platforms); err != nil {
		panic(fmt.Sprintf("push: platforms.yml: %v", err))
	}
	for i := range platforms {
		platforms[i].Contract.platform = platforms[i].Name
	}
	return platforms
})

// Platforms returns the known platforms in the order of the file.
func Platforms() []Platform { return slices.Clone(loadPlatforms()) }

// Lookup finds a platform by its name.
func Lookup(name string) (Platform, bool) {
	all := loadPlatforms()
	i := slices.IndexFunc(all, func(p Platform) bool { return p.Name == name })
	if i < 0 {
		return Platform{}, false
	}
	return all[i], true
}

func platformNames() []string {
	var names []string
	for _, p := range loadPlatforms() {
		names = append(names, p.Name)
	}
	return names
}
