package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/restreamd/restreamd/relay/push"
)

// Known is what restreamd.yml defines and a destination may name.
type Known struct {
	Streams    []string // none: every name is taken
	Renditions []string // none: no name is taken
}

// Known returns what destinations may name.
func (c *Config) Known() Known {
	return Known{Streams: c.StreamNames(), Renditions: c.renditionNames()}
}

func (c *Config) renditionNames() []string {
	var names []string
	for _, r := range c.Renditions {
		names = append(names, r.Name)
	}
	return names
}

// checkRendition explains a name that no rendition has; "" when it is right.
func checkRendition(name string, renditions []string) (problem, hint string) {
	switch {
	case slices.Contains(renditions, name):
		return "", ""
	case !validName.MatchString(name):
		return "not a name of a rendition", nameHint
	case len(renditions) == 0:
		return "there is no such rendition", "restreamd.yml has none yet: describe it there under renditions"
	}
	return fmt.Sprintf("no rendition is named %q", showWord(name, renditions)), meantHint(name, renditions)
}

// showWord returns a word for an error. One that is not near a known one may be a pasted key.
func showWord(word string, known []string) string {
	if push.Nearest(word, known) != "" {
		return word
	}
	return "…"
}

// meantHint names the candidate that was probably meant, or all of them.
func meantHint(name string, candidates []string) string {
	if near := push.Nearest(name, candidates); near != "" {
		return "did you mean " + near + "?"
	}
	return "known are " + strings.Join(candidates, ", ")
}
