package push

import (
	"fmt"
	"slices"
	"strings"
)

// owners are the platforms that host belongs to, whatever a destination calls itself: some share their ingest.
func owners(host string) []Platform {
	return slices.DeleteFunc(Platforms(), func(p Platform) bool { return !p.owns(host) })
}

func (p Platform) owns(host string) bool {
	return slices.ContainsFunc(p.Hosts, func(own string) bool { return host == own || strings.HasSuffix(host, "."+own) })
}

// app is what stands in every URL of the platform, or empty.
func (p Platform) app() string {
	form := p.URL
	if form == "" {
		form = p.URLForm
	}
	_, rest, _ := strings.Cut(form, "://")
	_, app, _ := strings.Cut(rest, "/")
	return app
}

// checkOwner refuses another platform's URL.
func checkOwner(known Platform, host string) error {
	all := owners(host)
	if known.Name == "" || known.owns(host) || len(all) == 0 {
		return nil
	}
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return badURL("this is a URL of "+strings.Join(names, " or ")+", not of "+known.Name,
		"set platform to what the URL is of, or set the URL that "+known.Name+" shows you")
}

// complete adds to the target what its host is known to need.
func complete(t Target) (Target, []string) {
	var notes []string
	all := owners(t.Host)
	for _, p := range all {
		if t.App == "" && p.DefaultApp != "" {
			t.App = p.DefaultApp
			notes = append(notes, fmt.Sprintf("the URL has no app; /%s was added, as %s expects", t.App, p.Name))
		}
		if query := p.backupQuery(); query != "" && t.Host == p.backupHost() && t.App == p.app() {
			t.App += "?" + query
			notes = append(notes, fmt.Sprintf("the URL is %s's backup ingest; ?%s was added, as it expects", p.Name, query))
		}
	}
	if app, _, _ := strings.Cut(t.App, "?"); len(all) > 0 && app != "" && app != all[0].app() {
		notes = append(notes, fmt.Sprintf("the app is not /%s, as %s's commonly is", all[0].app(), all[0].Name))
	}
	return t, notes
}

// backupQuery is what the platform's second ingest wants behind the app, or empty.
func (p Platform) backupQuery() string {
	_, query, _ := strings.Cut(p.BackupURL, "?")
	return query
}

func (p Platform) backupHost() string {
	_, rest, _ := strings.Cut(p.BackupURL, "://")
	return rest[:max(strings.IndexAny(rest, ":/"), 0)]
}

// checkTail refuses a path that goes on behind the app that the host is known for: what follows is the key.
func checkTail(host, app string) error {
	for _, p := range owners(host) {
		if p.app() != "" && strings.HasPrefix(app, p.app()+"/") {
			return badURL("the URL goes on behind /"+p.app()+", with what looks like the key",
				"end the url with /"+p.app()+"; the key alone goes under key, key_file or key_env")
		}
	}
	return nil
}

// checkKey finds what was pasted into the key and belongs into the URL.
func checkKey(t Target) (notes []string, err error) {
	key := t.Key.Reveal()
	app, _, _ := strings.Cut(t.App, "?")
	all := owners(t.Host)
	switch {
	case strings.HasPrefix(key, t.Host+"/"), strings.HasPrefix(key, t.Host+":"):
		return nil, keyIsURL()
	case strings.HasPrefix(key, "/"):
		return nil, badKey("the key begins with a slash", "remove it")
	case strings.HasPrefix(key, app+"/") && len(all) > 0:
		return nil, badKey("the key begins with the end of the URL", "the key is what follows /"+all[0].app()+"/")
	case strings.HasPrefix(key, app+"/"):
		notes = append(notes, "the key begins as the URL ends: is the end of the URL in it twice?")
	}
	_, query, _ := strings.Cut(key, "?")
	for _, p := range all {
		if own := p.backupQuery(); own != "" && slices.Contains(strings.Split(query, "&"), own) {
			return nil, badKey("the key ends with ?"+own+", which belongs behind the app",
				"set backup: true; or set url: "+p.BackupURL+" and the key alone")
		}
	}
	return notes, nil
}
