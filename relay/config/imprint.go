package config

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

// Imprint is what a relay leaves on disk of the destinations it runs, so that `restreamd check` can tell later what a
// changed folder would change. It holds no value, only a salted digest of each, and still belongs in a file that its
// owner alone can read: a short key can be guessed from it.
type Imprint struct {
	Salt         []byte                       `json:"salt"`
	Destinations map[string]map[string][]byte `json:"destinations"` // by name, then by setting
}

// NewImprint takes the imprint of the destinations in use.
func NewImprint(s Snapshot) Imprint {
	i := Imprint{Salt: newSalt(), Destinations: map[string]map[string][]byte{}}
	for _, d := range s.Destinations {
		i.Destinations[d.Name] = i.digests(d)
	}
	return i
}

func (i Imprint) digests(d Destination) map[string][]byte {
	digests := map[string][]byte{}
	for _, v := range d.values() {
		mac := hmac.New(sha256.New, i.Salt)
		fmt.Fprintf(mac, "%q %q %q", d.Name, v.setting, v.text)
		digests[v.setting] = mac.Sum(nil)
	}
	return digests
}

// Kinds of changes.
const (
	Added   = "added"
	Changed = "changed"
	Removed = "removed"
	Kept    = "kept"
	Refused = "refused" // the file cannot be used; what ran before goes on
)

// Change is what a relay that left an imprint would do about one destination.
type Change struct {
	Name   string   // of the destination; "" where the folder itself cannot be read
	Kind   string   // Added, Changed, Removed, Kept or Refused
	Fields []string // the settings that changed, in the order of the documentation
	Err    error    // why it is refused, with file, line and hint
}

// Changes compares s, just loaded, with the imprint. The zero Imprint ran nothing. The changes are sorted by name.
func (i Imprint) Changes(s Snapshot) []Change {
	var all []Change
	unreadable := s.hasProblem("")
	for _, d := range s.Destinations {
		all = append(all, i.change(d))
	}
	for _, p := range s.Problems {
		all = append(all, Change{Name: p.Destination, Kind: Refused, Err: p.Err})
	}
	for name := range i.Destinations {
		_, found := s.find(name)
		switch {
		case found, s.hasProblem(name):
		case unreadable:
			all = append(all, Change{Name: name, Kind: Kept})
		default:
			all = append(all, Change{Name: name, Kind: Removed})
		}
	}
	slices.SortFunc(all, func(a, b Change) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (i Imprint) change(d Destination) Change {
	before, found := i.Destinations[d.Name]
	if !found {
		return Change{Name: d.Name, Kind: Added}
	}
	change := Change{Name: d.Name, Kind: Kept}
	now := i.digests(d)
	for _, v := range d.values() {
		if !bytes.Equal(before[v.setting], now[v.setting]) {
			change.Kind = Changed
			change.Fields = append(change.Fields, v.setting)
		}
	}
	return change
}

// value is one setting of a destination as it came to be, defaults and the content of files included.
type value struct{ setting, text string }

func (d Destination) values() []value {
	return []value{
		{"platform", d.Platform},
		{"url", d.Target.TCURL()},
		{"key", d.Target.Key.Reveal()},
		{"streams", fmt.Sprint(d.Streams)},
		{"enabled", fmt.Sprint(d.Enabled)},
		{"rendition", d.Shape.Rendition},
		{"fit", d.Shape.Fit},
		{"max_bitrate", fmt.Sprint(d.Shape.MaxBitrate)},
		{"contract", fmt.Sprintf("%+v", d.Shape.Contract)},
		{"backup", fmt.Sprint(d.Backup)},
		{"audio.silence_if_missing", fmt.Sprint(d.Audio.Silence)},
		{"audio.track", fmt.Sprint(d.Audio.Track)},
		{"schedule.from", d.Schedule.From.Format(time.RFC3339)},
		{"schedule.to", d.Schedule.To.Format(time.RFC3339)},
		{"delay", d.Wire.Delay.String()},
		{"ca_file", string(d.Wire.CAs)},
		{"insecure", fmt.Sprint(d.Wire.Insecure)},
	}
}
