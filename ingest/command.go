package ingest

import (
	"errors"
	"regexp"
	"strings"

	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"

	"github.com/restreamd/restreamd/relay/secret"
)

var errBadCommand = errors.New("malformed RTMP command")

// command is one RTMP command message (RTMP 1.0 section 7.2).
type command struct {
	name   string
	id     float64
	args   amf0.Data // after the transaction ID: command object first
	stream uint32    // message stream ID, as gortmplib holds it
	chunk  byte      // chunk stream ID
}

// readCommand decodes a command of AMF 0, or of AMF 3 in the form all encoders use: a zero byte, then AMF 0.
func readCommand(raw *rawmessage.Message) (command, error) {
	body := raw.Body
	if message.Type(raw.Type) == message.TypeCommandAMF3 {
		if len(body) == 0 || body[0] != 0 {
			return command{}, errBadCommand
		}
		body = body[1:]
	}
	data, err := decodeAMF(body)
	if err != nil {
		return command{}, err
	}
	if len(data) < 2 {
		return command{}, errBadCommand
	}
	name, ok1 := data[0].(string)
	id, ok2 := data[1].(float64)
	if !ok1 || !ok2 {
		return command{}, errBadCommand
	}
	return command{name: name, id: id, args: data[2:], stream: raw.MessageStreamID, chunk: raw.ChunkStreamID}, nil
}

// object returns argument i as an object.
func (c command) object(i int) amf0.Object {
	if i >= len(c.args) {
		return nil
	}
	switch o := c.args[i].(type) {
	case amf0.Object:
		return o
	case amf0.ECMAArray:
		return amf0.Object(o)
	}
	return nil
}

// text returns argument i as a string.
func (c command) text(i int) string {
	if i >= len(c.args) {
		return ""
	}
	s, _ := c.args[i].(string)
	return s
}

// maxKey is the length of the longest stream key, in bytes: a signed token fits.
const maxKey = 1024

var (
	appPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	keyPattern = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

// Errors of a publish whose names are not names.
var (
	ErrBadApp = &Cause{"app_malformed", "malformed app: use letters, digits, - and _"}
	ErrBadKey = &Cause{"key_malformed", "malformed stream key: use letters, digits, . _ ~ and -"}
)

// target splits what connect and publish named into app, key and query. Encoders with one URL field send
// rtmp://host/live/KEY either as app "live" and name "KEY", or as app "live/KEY" and an empty name.
func target(app, name string) (Request, error) {
	app, query, _ := strings.Cut(app, "?")
	key, keyQuery, _ := strings.Cut(name, "?")
	app, key = strings.Trim(app, "/"), strings.Trim(key, "/")
	if key == "" {
		app, key, _ = strings.Cut(app, "/")
	}
	if keyQuery != "" {
		query = keyQuery
	}
	if !appPattern.MatchString(app) {
		return Request{}, ErrBadApp
	}
	if key != "" && (len(key) > maxKey || !keyPattern.MatchString(key)) {
		return Request{App: app}, ErrBadKey
	}
	return Request{App: app, Key: secret.New(key), Query: secret.New(query)}, nil
}

// showApp is an app as it may stand in a log: what is as long as a stream key may be one, pasted into the wrong field.
func showApp(app string) string {
	if len(app) > 16 {
		return "(long, not shown: is it a stream key?)"
	}
	return app
}

// printable is a peer's text as it may stand in a log.
func printable(s string) string { return clip(s, 80) }

// clip leaves out control characters and what is beyond most bytes.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), most)]
}
