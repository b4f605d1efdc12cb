package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/secret"
)

const (
	theDigest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" // of the key "test"
	fieldKey  = "field-key"
)

const everything = `
rtmp: {listen: ":19350"}
rtmps: {listen: ":19360", cert: tls/cert.pem, key: tls/key.pem}
http: {listen: "[::1]:8081", admin_token_file: admin.token, cors: ["https://Example.com:443", "http://10.0.0.1:8000/"], hosts: [Live.example.com, "::1"]}
auth:
  jwt: {secret_file: jwt.secret, algorithm: HS512}
  webhook: http://127.0.0.1:9000/publish
data: /var/lib/restreamd
destinations: platforms
ffmpeg: bin/ffmpeg
limits: {connections: 8, per_ip: 2, unauthorized: 4, handshake: 5s, idle: 1m, write: 2s, bitrate: 2.5Mbps, http: 100}
streams:
  main:
    app: studio
    revoke: end
    play: {keys: false, loopback: true}
    keys:
      - {name: studio, key: 0123, expires: 2027-01-01T01:00:00+01:00, allow: [10.1.0.0/8, 192.168.1.7, "fd00::/8"]}
      - {key_file: keys/field, role: backup}
      - {name: digest, key_sha256: ` + theDigest + `}
    record: {enabled: false}
    hls: {enabled: false, segment: 1s, window: 3}
    playback: token
  second:
    keys: [{key: 0123}]
`

func TestLoadEverything(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "keys/field"), "\ufeff"+fieldKey+"\r\n")
	write(t, filepath.Join(dir, "tls/cert.pem"), "cert")
	write(t, filepath.Join(dir, "tls/key.pem"), "key")
	write(t, filepath.Join(dir, "jwt.secret"), "\xff not text")
	cfg, err := config.Load(write(t, filepath.Join(dir, "restreamd.yml"), everything))
	if err != nil {
		t.Fatal(err)
	}
	studio := secret.New("0123")
	noLimits := config.Room{MinFree: 1e9}
	want := &config.Config{
		RTMP:  config.RTMP{Listen: ":19350"},
		RTMPS: config.RTMPS{Listen: ":19360", Cert: filepath.Join(dir, "tls/cert.pem"), Key: filepath.Join(dir, "tls/key.pem")},
		HTTP: config.HTTP{Listen: "[::1]:8081", AdminTokenFile: filepath.Join(dir, "admin.token"),
			CORS: []string{"https://example.com", "http://10.0.0.1:8000"}, Hosts: []string{"live.example.com", "::1"}},
		Auth:         config.Auth{JWT: cfg.Auth.JWT, Webhook: "http://127.0.0.1:9000/publish"},
		Data:         "/var/lib/restreamd",
		Destinations: filepath.Join(dir, "platforms"),
		FFmpeg:       filepath.Join(dir, "bin/ffmpeg"),
		Limits: config.Limits{Connections: 8, PerIP: 2, Unauthorized: 4, Handshake: 5 * time.Second, Idle: time.Minute,
			Write: 2 * time.Second, Bitrate: 2_500_000, HTTP: 100},
		Streams: []config.Stream{
			{Name: "main", App: "studio", Revoke: config.RevokeEnd, Play: config.Play{Loopback: true},
				Keys: []config.Key{
					{Name: "studio", Secret: studio, Digest: studio.Digest(), Role: config.RolePrimary,
						Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
						Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.168.1.7/32"),
							netip.MustParsePrefix("fd00::/8")}},
					{Name: "key2", Secret: secret.New(fieldKey), Digest: secret.New(fieldKey).Digest(), Role: config.RoleBackup},
					{Name: "digest", Digest: secret.New("test").Digest(), Role: config.RolePrimary},
				},
				Record: config.Record{Room: noLimits}, HLS: config.HLS{Segment: time.Second, Window: 3, Type: config.HLSAuto}, Playback: config.PlaybackToken},
			{Name: "second", App: "live", Revoke: config.RevokeFinish, Play: config.Play{Keys: true},
				Keys:   []config.Key{{Name: "key1", Secret: studio, Digest: studio.Digest(), Role: config.RolePrimary}},
				Record: config.Record{Enabled: true, Room: noLimits}, HLS: config.HLS{Enabled: true, Segment: 2 * time.Second, Window: 6, Type: config.HLSAuto}, Playback: config.PlaybackPublic},
		},
	}
	for i := range want.Streams {
		want.Streams[i].Record.RecordForm = config.Default().Streams[0].Record.RecordForm
		want.Streams[i].Hold = config.Default().Streams[0].Hold
	}
	for _, file := range []string{"tls/key.pem", "jwt.secret", "restreamd.yml", "keys/field"} {
		file = filepath.Join(dir, file)
		want.Notes = append(want.Notes, file+" can be read by everybody: chmod 600 "+file)
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("\n got %+v\nwant %+v", cfg, want)
	}
	if jwt := cfg.Auth.JWT; jwt.SecretFile != filepath.Join(dir, "jwt.secret") || jwt.Algorithm != "HS512" || jwt.PublicKeyFile+jwt.JWKS != "" {
		t.Errorf("jwt: %+v", jwt)
	}
}

// A folder of secrets that nobody else can read needs no words.
func TestLoadNotesExposedSecretsOnly(t *testing.T) {
	dir := t.TempDir()
	key := write(t, filepath.Join(dir, "keys/studio"), theKey)
	file := write(t, filepath.Join(dir, "restreamd.yml"), "streams: {main: {keys: [{key_file: keys/studio}]}}\n")
	for mode, want := range map[os.FileMode]int{0o600: 0, 0o640: 0, 0o644: 1} {
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
		if cfg, err := config.Load(file); err != nil || len(cfg.Notes) != want {
			t.Errorf("mode %o: %v, %q", mode, err, cfg.Notes)
		}
	}
}

func TestLoadWaysToACertificateAndToTokens(t *testing.T) {
	for _, c := range []struct {
		name, content string
		rtmps         config.RTMPS
		auth          config.Auth
	}{
		{"acme", "rtmps: {acme: {domains: [Ingest.example.com, b.example.com]}}\n",
			config.RTMPS{Listen: ":1936", ACME: config.ACME{Domains: []string{"ingest.example.com", "b.example.com"}, HTTP: ":80"}},
			config.Auth{}},
		{"everything of acme", "rtmps: {acme: {domains: [a], email: o@x.org, http: ':8080', ca: 'https://localhost:1/dir', ca_file: root.pem}}\n",
			config.RTMPS{Listen: ":1936", ACME: config.ACME{Domains: []string{"a"}, Email: "o@x.org", HTTP: ":8080",
				CA: "https://localhost:1/dir", CAFile: "root.pem"}}, config.Auth{}},
		{"a key set", "auth: {jwt: {jwks: 'https://id.example.com/keys'}}\n",
			config.RTMPS{}, config.Auth{JWT: config.JWT{JWKS: "https://id.example.com/keys"}}},
		{"a key set and its algorithm", "auth: {jwt: {jwks: 'https://id.example.com/keys', algorithm: ES256}, webhook: 'https://x/y?z'}\n",
			config.RTMPS{}, config.Auth{JWT: config.JWT{JWKS: "https://id.example.com/keys", Algorithm: "ES256"}, Webhook: "https://x/y?z"}},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "root.pem"), "roots")
		cfg, err := config.Load(write(t, filepath.Join(dir, "c.yml"), c.content))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.rtmps.ACME.CAFile != "" {
			c.rtmps.ACME.CAFile = filepath.Join(dir, c.rtmps.ACME.CAFile)
		}
		if !reflect.DeepEqual(cfg.RTMPS, c.rtmps) || cfg.Auth != c.auth {
			t.Errorf("%s: got %+v %+v", c.name, cfg.RTMPS, cfg.Auth)
		}
	}
	for source, want := range map[string]string{"secret_file": "HS256", "public_key_file": ""} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "k"), "k")
		cfg, err := config.Load(write(t, filepath.Join(dir, "c.yml"), "auth: {jwt: {"+source+": k}}\n"))
		if err != nil || cfg.Auth.JWT.Algorithm != want {
			t.Errorf("%s: algorithm %q, %v", source, cfg.Auth.JWT.Algorithm, err)
		}
	}
}

func TestLoadLittle(t *testing.T) {
	for name, content := range map[string]string{
		"empty":          "",
		"comments":       "# nothing yet\n",
		"empty sections": "rtmp:\nhttp: {}\nstreams:\n",
		"a bare stream":  "streams: {main: }\n",
	} {
		dir := t.TempDir()
		cfg, err := config.Load(write(t, filepath.Join(dir, "restreamd.yml"), content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := config.Default()
		want.Data, want.Destinations = filepath.Join(dir, "data"), filepath.Join(dir, "destinations.d")
		if !reflect.DeepEqual(cfg, want) {
			t.Errorf("%s: got %+v", name, cfg)
		}
		if names := cfg.StreamNames(); len(names) != 1 || names[0] != "main" {
			t.Errorf("%s: streams %q", name, names)
		}
	}
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestLoadExplainsMistakes(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"an unknown setting", "data: d\nstreems: {}\n",
			"c.yml:2: streems: unknown setting (did you mean streams?)"},
		{"an unknown setting unlike any", "http: {banana: 1}\n",
			"c.yml:1: http.…: unknown setting (known are listen, admin_token_file, cors, hosts)"},
		{"a key where a setting belongs", "streams:\n  main:\n    " + theKey + ": true\n",
			"c.yml:3: streams.main.…: unknown setting (known are app, revoke, play, keys, hold, record, hls, playback)"},
		{"several at once", "limits:\n  per_ip: 0\n  idle: 15\nrtmp: {listen: 1935}\n",
			"c.yml:2: limits.per_ip: not a number in range (write a whole number from 1 to 100000)\n" +
				"c.yml:3: limits.idle: not a duration in range (write one from 1s to 1h0m0s, with its unit, as in 15s)\n" +
				`c.yml:4: rtmp.listen: not an address to listen on (write host:port, as in ":1935")`},
		{"given twice", "data: a\ndata: b\n",
			"c.yml:2: data: given twice, first on line 1 (keep one of the two)"},
		{"empty", "data:\n",
			"c.yml:1: data: empty (write a value behind the colon, or remove the line)"},
		{"a list for a text", "data: [a]\n",
			"c.yml:1: data: not a single value (write a value behind the colon, or remove the line)"},
		{"a text for a section", "http: 8080\n",
			"c.yml:1: http: not a list of settings (write one setting a line, as in name: value)"},
		{"a text for the document", theKey + "\n",
			"c.yml:1: not a list of settings (write one setting a line, as in name: value)"},
		{"not a flag", "streams: {main: {record: {enabled: yes}}}\n",
			"c.yml:1: streams.main.record.enabled: neither true nor false (write true or false)"},
		{"a bad app", "streams:\n  main:\n    app: a/b\n",
			"c.yml:3: streams.main.app: not a name (use 1 to 64 of the characters A-Z a-z 0-9 _ -)"},
		{"a bad stream name", "streams:\n  a b: {}\n",
			"c.yml:2: streams: not a name of a stream (use 1 to 64 of the characters A-Z a-z 0-9 _ -)"},
		{"a bad key", "streams:\n  main:\n    keys:\n      - {key: \"" + theKey + " x\"}\n",
			"c.yml:4: streams.main.keys[0].key: not a stream key (use 1 to 1024 of the characters A-Z a-z 0-9 . _ ~ -)"},
		{"no key", "streams:\n  main:\n    keys:\n      - name: studio\n",
			"c.yml:4: streams.main.keys[0].key: missing (set key, key_file or key_sha256)"},
		{"keys without a list", "streams: {main: {keys: " + theKey + "}}\n",
			"c.yml:1: streams.main.keys: not a list (write one key a line, as in - {name: studio, key_file: keys/studio})"},
		{"a key without a name of the setting", "streams: {main: {keys: [" + theKey + "]}}\n",
			"c.yml:1: streams.main.keys[0]: not a list of settings (write one setting a line, as in name: value)"},
		{"two sources", "streams: {main: {keys: [{key: " + theKey + ", key_file: x}]}}\n",
			"c.yml:1: streams.main.keys[0].key_file: key is set as well (keep one of the two)"},
		{"a missing key file", "streams: {main: {keys: [{key_file: " + theKey + "}]}}\n",
			"c.yml:1: streams.main.keys[0].key_file: cannot be read: no such file or directory " +
				"(a relative path starts at the folder of this file; the key itself belongs under key)"},
		{"the same key twice", "streams:\n  a: {keys: [{key: " + theKey + "}]}\n  b:\n    keys:\n      - key: " + theKey + "\n",
			"c.yml:5: streams.b.keys[0].key: the same key as streams.a.keys[0] in app live (give each its own)"},
		{"several streams, one without keys", "streams:\n  a: {keys: [{key: " + theKey + "}]}\n  b: {app: two}\n",
			"c.yml:3: streams.b: no keys (of several streams each needs its own: keys: [{key_file: keys/b}])"},
		{"an alias", "data: &d x\nffmpeg: *d\n",
			`c.yml:1: YAML anchors and aliases are not allowed (quote a value that begins with & or *: "*x")` + "\n" +
				`c.yml:2: YAML anchors and aliases are not allowed (quote a value that begins with & or *: "*x")`},
		{"a key that looks like an alias", "streams: {main: {keys: [{key: *" + theKey + "}]}}\n",
			`c.yml: YAML anchors and aliases are not allowed (quote a value that begins with & or *: "*x")`},
		{"a tag", "data: !!binary aGk=\n",
			"c.yml:1: data: a YAML tag (quote a value that begins with !)"},
		{"who may watch", "http: {cors: [\"*\"], hosts: [\"a:1\", https://b]}\nstreams: {main: {playback: some}}\n",
			"c.yml:1: http.cors: not an origin (write a list of origins, as in [https://example.com])\n" +
				"c.yml:1: http.hosts: not a name of a host (write a list of names without ports, as in [live.example.com])\n" +
				"c.yml:1: http.hosts: not a name of a host (write a list of names without ports, as in [live.example.com])\n" +
				"c.yml:2: streams.main.playback: not one of the choices (write public, token or none)"},
		{"tokens for viewers that nothing checks", "streams:\n  main: {playback: token}\n",
			"c.yml:2: streams.main.playback: there is nothing to check viewers' tokens with (set auth: {jwt: {secret_file: jwt.secret}})"},
		{"a tab", "http:\n\tlisten: x\n",
			"c.yml:2: found character that cannot start any token (indent with spaces, not tabs; quote a value that begins with @, ` or %)"},
		{"two documents", "data: a\n---\ndata: b\n",
			"c.yml:2: a second document begins here (keep one document a file)"},
		{"rtmps without a certificate", "rtmps: {listen: ':1'}\n",
			"c.yml:1: rtmps: no certificate (set cert and key, or acme)"},
		{"an empty rtmps", "data: d\nrtmps:\n",
			"c.yml:2: rtmps: no certificate (set cert and key, or acme)"},
		{"a certificate without its key", "rtmps:\n  cert: c.yml\n",
			"c.yml:2: rtmps.key: missing (set the file of the certificate's private key)"},
		{"a key without its certificate", "rtmps:\n  key: c.yml\n",
			"c.yml:2: rtmps.cert: missing (set the file of the certificate)"},
		{"two certificates", "rtmps:\n  cert: c.yml\n  key: c.yml\n  acme: {domains: [a.example.com]}\n",
			"c.yml:4: rtmps.acme: cert or key is set as well (keep either acme or the two files)"},
		{"files that are not there", "rtmps:\n  cert: c.pem\n  key: empty\n",
			"c.yml:2: rtmps.cert: cannot be read: no such file or directory (a relative path starts at the folder of this file)\n" +
				"c.yml:3: rtmps.key: the file is empty (put the right file in its place)"},
		{"mistakes of acme", "rtmps:\n  acme:\n    domains: ['*.example.com', a_b, -a.org, a..org]\n    email: '@x'\n    http: 80\n    ca: http://x\n    ca_file: x\n",
			"c.yml:3: rtmps.acme.domains: not the name of a host (write names such as ingest.example.com, without wildcards)\n" +
				"c.yml:3: rtmps.acme.domains: not the name of a host (write names such as ingest.example.com, without wildcards)\n" +
				"c.yml:3: rtmps.acme.domains: not the name of a host (write names such as ingest.example.com, without wildcards)\n" +
				"c.yml:3: rtmps.acme.domains: not the name of a host (write names such as ingest.example.com, without wildcards)\n" +
				"c.yml:4: rtmps.acme.email: not a mail address (write one as in ops@example.com, or remove the line)\n" +
				"c.yml:5: rtmps.acme.http: not an address to listen on (write host:port, as in \":80\")\n" +
				"c.yml:6: rtmps.acme.ca: not a URL to ask (write https://host/path)\n" +
				"c.yml:7: rtmps.acme.ca_file: cannot be read: no such file or directory (a relative path starts at the folder of this file)"},
		{"acme without domains", "rtmps: {acme: {email: a@b}}\n",
			"c.yml:1: rtmps.acme.domains: missing (write domains: [ingest.example.com])"},
		{"tokens without a key", "auth: {jwt: {algorithm: RS256}}\n",
			"c.yml:1: auth.jwt: nothing to check tokens with (set secret_file, public_key_file or jwks)"},
		{"two keys for tokens", "auth:\n  jwt:\n    secret_file: c.yml\n    jwks: https://x/y\n",
			"c.yml:4: auth.jwt.jwks: secret_file is set as well (keep one of the two)"},
		{"an algorithm that would make a public key a secret", "auth: {jwt: {public_key_file: c.yml, algorithm: HS256}}\n",
			"c.yml:1: auth.jwt.algorithm: not one of the choices (write RS256, RS512, ES256 or EdDSA)"},
		{"no algorithm at all", "auth: {jwt: {secret_file: c.yml, algorithm: none}}\n",
			"c.yml:1: auth.jwt.algorithm: not one of the choices (write HS256, HS384 or HS512)"},
		{"keys from the open net", "auth: {jwt: {jwks: http://x/y}, webhook: ftp://x}\n",
			"c.yml:1: auth.jwt.jwks: not a URL to ask (write https://host/path)\n" +
				"c.yml:1: auth.webhook: not a URL to ask (write http or https://host/path)"},
		{"limits", "limits:\n  unauthorized: 0\n  write: 1ms\n  bitrate: 100\n",
			"c.yml:2: limits.unauthorized: not a number in range (write a whole number from 1 to 100000)\n" +
				"c.yml:3: limits.write: not a duration in range (write one from 100ms to 1m0s, with its unit, as in 5s)\n" +
				"c.yml:4: limits.bitrate: not a bitrate in range (write one from 100kbps to 100Gbps, with its unit, as in 100Mbps)"},
		{"what becomes of a publisher", "streams: {main: {revoke: kill, play: {keys: 1, all: true}}}\n",
			"c.yml:1: streams.main.revoke: not one of the choices (write finish or end)\n" +
				"c.yml:1: streams.main.play.keys: neither true nor false (write true or false)\n" +
				"c.yml:1: streams.main.play.…: unknown setting (known are keys, loopback)"},
		{"mistakes of a key", "streams:\n  main:\n    keys:\n      - key: " + theKey + "\n        role: main\n        expires: 2027-01-01\n" +
			"        allow: [10.0.0.0/33, '::ffff:10.0.0.0/104', 'fe80::1%eth0', x]\n",
			"c.yml:5: streams.main.keys[0].role: not one of the choices (write primary or backup)\n" +
				"c.yml:6: streams.main.keys[0].expires: not a date and time (write one with its zone, as in 2027-01-01T00:00:00Z or 2027-01-01T00:00:00+01:00)\n" +
				strings.TrimSuffix(strings.Repeat("c.yml:7: streams.main.keys[0].allow: not a network or an address (write a list of networks and addresses, as in [10.0.0.0/8, 192.168.1.7])\n", 4), "\n")},
		{"a key open to nobody", "streams: {main: {keys: [{key: " + theKey + ", allow: []}]}}\n",
			"c.yml:1: streams.main.keys[0].allow: the list is empty (write a list of networks and addresses, as in [10.0.0.0/8, 192.168.1.7])"},
		{"a key for a digest", "streams: {main: {keys: [{key_sha256: " + theKey + "}]}}\n",
			"c.yml:1: streams.main.keys[0].key_sha256: not a SHA-256 digest (write its 64 hexadecimal digits, as tr -d '\\n' < FILE | sha256sum prints them)"},
		{"half a digest", "streams: {main: {keys: [{key_sha256: " + theDigest[:62] + "}]}}\n",
			"c.yml:1: streams.main.keys[0].key_sha256: not a SHA-256 digest (write its 64 hexadecimal digits, as tr -d '\\n' < FILE | sha256sum prints them)"},
		{"a digest of a key that is there", "streams:\n  main:\n    keys:\n      - key: test\n      - key_sha256: " + strings.ToUpper(theDigest) + "\n",
			"c.yml:5: streams.main.keys[1].key_sha256: the same key as streams.main.keys[0] in app live (give each its own)"},
		{"the same name twice", "streams:\n  main:\n    keys:\n      - {name: key2, key: a}\n      - {key: b}\n",
			"c.yml:5: streams.main.keys[1].name: the same name as streams.main.keys[0] (give each its own)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "empty"), " \n")
			_, err := config.Load(write(t, filepath.Join(dir, "c.yml"), c.content))
			got := messages(err, dir)
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if strings.Contains(got, theKey) {
				t.Errorf("the error shows the key: %s", got)
			}
			var mistake *config.Error
			if !errors.As(err, &mistake) {
				t.Errorf("%T is not an *Error", err)
			}
		})
	}
}

func TestConfigHidesKeys(t *testing.T) {
	dir := t.TempDir()
	cfg, err := config.Load(write(t, filepath.Join(dir, "c.yml"), "streams: {main: {keys: [{key: "+theKey+"}]}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %+v %#v", cfg, cfg.Streams, *cfg); strings.Contains(got, theKey) {
		t.Errorf("printed: %s", got)
	}
}
