package push

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/restreamd/restreamd/relay/secret"
)

const (
	// ffmpeg reads its options from lines of at most 999 bytes, and a tcUrl is a host (253) and an app.
	maxKey = 512
	maxApp = 512

	maxHost = 253 // RFC 1035
)

// Parse makes the target of a destination from what its file says. With a platform, rawURL may be empty and stands for
// the platform's own. With a key, the whole path of the URL is the app. With neither a platform nor a key, the last
// segment of the path is the key, as in rtmp://host/app/KEY.
//
// What is pasted with white space around it is trimmed. The notes tell what else was put right. An error is an *Error.
func Parse(platform, rawURL string, key secret.String) (Target, []string, error) {
	known, err := lookupNamed(platform, key)
	if err != nil {
		return Target{}, nil, err
	}
	if rawURL = trimPasted(rawURL); rawURL != "" && !isURL(rawURL) && isURL(trimPasted(key.Reveal())) {
		return Target{}, nil, badURL("url and key are swapped", "exchange them")
	}
	if key, err = cleanKey(key); err != nil {
		return Target{}, nil, err
	}
	if rawURL, err = chooseURL(known, rawURL); err != nil {
		return Target{}, nil, err
	}
	target, path, err := splitURL(rawURL)
	if err != nil {
		return Target{}, nil, err
	}
	if err := checkOwner(known, target.Host); err != nil {
		return Target{}, nil, err
	}
	if target.App, target.Key, err = assign(platform, path, key); err != nil {
		if tail := checkTail(target.Host, cleanApp(path)); tail != nil {
			err = tail
		}
		return Target{}, nil, err
	}

	target, notes := complete(target)
	if target.Key.IsZero() && target.App != "" {
		return Target{}, nil, badKey("the key is missing", "set key, key_file or key_env, or end the url with /KEY")
	}
	if err := checkApp(target, known); err != nil {
		return Target{}, nil, err
	}
	more, err := checkKey(target)
	if err != nil {
		return Target{}, nil, err
	}
	return target, slices.Concat(notes, more), nil
}

// lookupNamed returns the zero Platform for the empty name. A name that is near none may be the key, and is not quoted.
func lookupNamed(name string, key secret.String) (Platform, error) {
	if name == "" {
		return Platform{}, nil
	}
	known, found := Lookup(name)
	if found {
		return known, nil
	}
	if near := Nearest(name, platformNames()); near != "" {
		return Platform{}, badPlatform(fmt.Sprintf("%q is not known", name), "did you mean "+near+"?")
	}
	if _, swapped := Lookup(trimPasted(key.Reveal())); swapped {
		return Platform{}, badPlatform("platform and key are swapped", "exchange them")
	}
	return Platform{}, badPlatform("not a platform that is known",
		"known are "+strings.Join(platformNames(), ", ")+"; for any other leave platform out and set url")
}

// cleanKey trims what pasting adds and refuses what would change the meaning of a line of options.
func cleanKey(key secret.String) (secret.String, error) {
	text := trimPasted(key.Reveal())
	switch {
	case len(text) > maxKey:
		return key, badKey(fmt.Sprintf("the key is %d bytes long, at most %d are allowed", len(text), maxKey),
			"paste the key alone")
	case !printable(text):
		return key, badKey("the key contains a line break or another invisible character",
			"paste the key again, on one line")
	case isURL(text):
		return key, keyIsURL()
	case text != "" && strings.Trim(text, "*•●") == "":
		return key, badKey("the key is hidden behind dots", "let the platform's page show it, and copy it then")
	case isPlaceholder(text):
		return key, badKey("the key is a placeholder", "set the stream key that the platform shows you")
	}
	return secret.New(text), nil
}

func chooseURL(known Platform, rawURL string) (string, error) {
	switch {
	case rawURL != "":
		return rawURL, nil
	case known.Name == "":
		return "", badURL("neither platform nor url is set",
			"platform is one of "+strings.Join(platformNames(), ", ")+"; or url: rtmps://host/app")
	case known.URLRequired():
		return "", badURL(known.Name+" has no fixed URL", "set url to yours: "+known.URLForm)
	}
	return known.URL, nil
}

// splitURL takes the URL apart by hand: package url would decode what RTMP sends as it is, and print it in its errors.
func splitURL(rawURL string) (target Target, path string, err error) {
	scheme, rest, found := strings.Cut(rawURL, "://")
	if !found {
		return target, "", badURL("the URL has no scheme", "begin it with rtmps:// or rtmp://")
	}
	target.Scheme = strings.ToLower(scheme)
	if target.Scheme != SchemeRTMP && target.Scheme != SchemeRTMPS {
		return target, "", badURL("the URL is neither rtmp:// nor rtmps://", "only RTMP and RTMPS can be pushed")
	}
	if isURL(rest) {
		return target, "", badURL("the URL begins twice", "write rtmps:// or rtmp:// once")
	}
	if !printable(rest) {
		return target, "", badURL("the URL contains a line break or another invisible character",
			"paste it again, on one line")
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	if strings.Contains(authority, "@") {
		return target, "", badURL("the URL holds a user name or password",
			"remove the part before @; RTMP has only the key")
	}
	if target.Host, target.Port, err = splitAuthority(authority, target.TLS()); err != nil {
		return target, "", err
	}
	return target, path, nil
}

func splitAuthority(authority string, tls bool) (host string, port int, err error) {
	host, portText, hasPort := strings.Cut(authority, ":")
	if bracketed, found := strings.CutPrefix(authority, "["); found {
		host, portText, found = strings.Cut(bracketed, "]")
		if addr, err := netip.ParseAddr(host); !found || err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", 0, badURL("the address in brackets is not IPv6",
				"write it as in rtmp://[2001:db8::1]:1935/app")
		}
		portText, hasPort = strings.CutPrefix(portText, ":")
		if !hasPort && portText != "" {
			return "", 0, badURL("something stands between the address and the app",
				"write it as in rtmp://[2001:db8::1]:1935/app")
		}
	} else if strings.Contains(portText, ":") {
		return "", 0, badURL("the host has more than one colon", "put an IPv6 address in brackets")
	} else if err := checkName(host); err != nil {
		return "", 0, err
	}
	port, err = choosePort(portText, hasPort, tls)
	return strings.ToLower(host), port, err
}

func checkName(host string) error {
	if host == "" {
		return badURL("the URL has no host", "write it as in rtmps://host/app")
	}
	for _, r := range host {
		valid := r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(".-_", r))
		if !valid {
			return badURL(fmt.Sprintf("the host contains %q", r),
				"replace placeholders such as <id>; write non-ASCII names in punycode")
		}
	}
	if len(host) > maxHost {
		return badURL(fmt.Sprintf("the host is %d bytes long, at most %d are allowed", len(host), maxHost),
			"paste the URL again")
	}
	return nil
}

func choosePort(text string, given, tls bool) (int, error) {
	if !given {
		if tls {
			return 443, nil
		}
		return 1935, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, badURL("the port is not a number from 1 to 65535", "leave it out for the default")
	}
	if port == 443 && !tls {
		return 0, badURL("rtmp:// on port 443, where TLS is spoken", "begin the URL with rtmps://")
	}
	return int(port), nil
}

// assign decides what of the path is the app and what the key.
func assign(platform, path string, given secret.String) (app string, key secret.String, err error) {
	if !given.IsZero() {
		return cleanApp(path), given, nil
	}
	if platform != "" {
		return "", key, badKey("the key is missing",
			"set key, key_file or key_env to the stream key that "+platform+" shows you")
	}
	app, key = splitKey(path)
	key, err = cleanKey(key)
	return app, key, err
}

// splitKey parts app/KEY?x=1 and, as encoders with a single field write it, live2?backup=1/KEY.
func splitKey(path string) (app string, key secret.String) {
	path = strings.Trim(path, "/")
	end := len(path)
	if q := strings.Index(path, "?"); q >= 0 && strings.Contains(path[:q], "/") {
		end = q
	}
	slash := strings.LastIndex(path[:end], "/")
	if slash < 0 {
		return cleanApp(path), secret.String{}
	}
	return cleanApp(path[:slash]), secret.New(path[slash+1:])
}

// cleanApp drops the slashes around an app: panels print rtmp://host/app/ and mean app.
func cleanApp(path string) string {
	app, query, found := strings.Cut(path, "?")
	app = strings.Trim(app, "/")
	if found && app != "" {
		app += "?" + query
	}
	return app
}

func checkApp(t Target, known Platform) error {
	switch {
	case t.App == "":
		return badURL("the URL has no app", missingAppHint(t, known))
	case len(t.App) > maxApp:
		return badURL(fmt.Sprintf("the app is %d bytes long, at most %d are allowed", len(t.App), maxApp),
			"keep the key out of the url")
	case strings.ContainsAny(t.App, "{}<>"):
		return badURL("the app contains a placeholder", "end the url before it; the key goes under key, key_file or key_env")
	case strings.ContainsAny(t.App, " "):
		return badURL("the app contains a space", "paste the URL again")
	case holdsKey(t):
		return badURL("the key is a part of the app as well", "write it once: the url ends with the app, as in rtmp://host/live")
	}
	return checkTail(t.Host, t.App)
}

// holdsKey reports whether a segment of the app, or several, are the key: a Target shows its app to everybody.
func holdsKey(t Target) bool {
	app, _ := cutQuery(t.App)
	key, _ := cutQuery(t.Key.Reveal())
	return key != "" && strings.Contains("/"+app+"/", "/"+key+"/")
}

func missingAppHint(t Target, known Platform) string {
	if known.URL != "" {
		return known.Name + "'s is " + known.URL
	}
	if known.URLForm != "" {
		return "it looks like " + known.URLForm
	}
	if all := owners(t.Host); len(all) > 0 && all[0].URL != "" {
		return all[0].Name + "'s is " + all[0].URL
	} else if len(all) > 0 {
		return all[0].Name + "'s looks like " + all[0].URLForm
	}
	return "write it as in " + t.Scheme + "://" + t.Host + "/app"
}

func badPlatform(problem, hint string) *Error {
	return &Error{Field: FieldPlatform, Problem: problem, Hint: hint}
}

func badURL(problem, hint string) *Error {
	return &Error{Field: FieldURL, Problem: problem, Hint: hint}
}

func badKey(problem, hint string) *Error {
	return &Error{Field: FieldKey, Problem: problem, Hint: hint}
}

func keyIsURL() *Error {
	return badKey("the key is a URL", "put the URL under url, and only the key under key")
}

// isURL reports whether s begins with a scheme.
func isURL(s string) bool {
	scheme, _, found := strings.Cut(s, "://")
	return found && scheme != "" && strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz") == ""
}

func isPlaceholder(s string) bool {
	return strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") || strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">")
}

// trimPasted drops white space and the marks that editors and web pages put around a text.
func trimPasted(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' })
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
