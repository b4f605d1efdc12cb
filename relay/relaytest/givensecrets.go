package relaytest

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// maxSettings is more than a file of settings or a key ever has, in bytes; what is larger is not read.
const maxSettings = 256 << 10

// givenSecrets are the secrets that a relay was given, read where the relay reads them: in its configuration, its
// destinations and the files and variables these name. A secret that was replaced is one still.
type givenSecrets struct {
	needles
	config, destinations string            // paths
	environ              []string          // of the relay
	bare                 map[string]string // files that hold a secret and nothing else: path to whose it is
	read                 map[string]string // content of each file when it was last read
}

func newGivenSecrets(r *Relay) *givenSecrets {
	return &givenSecrets{
		config: r.configPath(), destinations: r.Destinations, environ: r.child.cmd.Env,
		bare: map[string]string{
			filepath.Join(r.Data, "stream.key"):  "the stream key that the relay made",
			filepath.Join(r.Data, "admin.token"): "the admin token",
		},
		read: make(map[string]string),
	}
}

// learn reads the files again and reports whether there are new secrets.
func (g *givenSecrets) learn() (added bool) {
	paths := []string{g.config}
	entries, _ := os.ReadDir(g.destinations) // a test may have removed the folder
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".yml") || strings.HasSuffix(e.Name(), ".yaml") {
			paths = append(paths, filepath.Join(g.destinations, e.Name()))
		}
	}
	for _, path := range paths {
		if text, changed := g.readAgain(path); changed {
			added = g.learnSettings(path, text) || added
		}
	}
	for path, whose := range g.bare {
		if text, changed := g.readAgain(path); changed {
			added = g.add(strings.TrimSpace(text), needle{whose: whose}) || added
		}
	}
	return added
}

// learnSettings takes the secrets of restreamd.yml or a destination's file, and remembers the files it names.
func (g *givenSecrets) learnSettings(path, text string) (added bool) {
	all := settingsIn(text)
	for _, s := range all {
		whose := s.name + " in " + filepath.Base(path)
		switch s.name {
		case "key":
			// The key of a certificate is a path, and those are no secret.
			if !filepath.IsAbs(s.value) {
				added = g.add(s.value, needle{whose: whose}) || added
			}
		case "url":
			added = g.add(keyInURL(s.value, all), needle{whose: whose}) || added
		case "key_env", "access_key_env", "secret_key_env":
			added = g.add(g.variable(s.value), needle{whose: whose, inEnviron: true}) || added
		case "key_file", "secret_file", "admin_token_file", "access_key_file", "secret_key_file":
			file := s.value
			if !filepath.IsAbs(file) {
				file = filepath.Join(filepath.Dir(path), file)
			}
			g.bare[file] = whose
		}
	}
	return added
}

// readAgain returns the content of a file, and whether it is another than the last time.
func (g *givenSecrets) readAgain(path string) (text string, changed bool) {
	text, ok := readSettled(path)
	if before, known := g.read[path]; !ok || known && before == text {
		return "", false
	}
	g.read[path] = text
	return text, true
}

func (g *givenSecrets) variable(name string) string {
	i := slices.IndexFunc(g.environ, func(pair string) bool { return strings.HasPrefix(pair, name+"=") })
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(g.environ[i][len(name)+1:])
}

type settingLine struct{ name, value string }

// settingPattern finds the settings that matter here, one a line or several in braces.
var settingPattern = regexp.MustCompile(
	`(?m)(?:^|[\s{,])(platform|url|key|key_file|key_env|secret_file|admin_token_file|access_key_file|secret_key_file|access_key_env|secret_key_env):[ \t]*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,}#][^\s,}]*)`)

func settingsIn(text string) (all []settingLine) {
	for _, m := range settingPattern.FindAllStringSubmatch(text, -1) {
		value, err := strconv.Unquote(m[2])
		if err != nil {
			value = strings.Trim(m[2], `'"`)
		}
		all = append(all, settingLine{m[1], value})
	}
	return all
}

// keyInURL is the last segment of the path of a URL, where nothing else says what the key is.
func keyInURL(target string, all []settingLine) string {
	elsewhere := func(s settingLine) bool { return s.name == "platform" || strings.HasPrefix(s.name, "key") }
	_, rest, found := strings.Cut(target, "://")
	if !found || slices.ContainsFunc(all, elsewhere) {
		return ""
	}
	path, query, hasQuery := strings.Cut(rest, "?")
	segments := strings.Split(path, "/")
	if len(segments) < 3 { // host/app
		return ""
	}
	key := segments[len(segments)-1]
	if hasQuery {
		key += "?" + query
	}
	return key
}

// readSettled reads a regular file. Tests put others in its place, and one that waits for a writer must not hold up who
// looks.
func readSettled(path string) (text string, ok bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > maxSettings {
		return "", false
	}
	data, err := io.ReadAll(f)
	return string(data), err == nil
}
