package config_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/push"
)

// certificate is one of an authority, in PEM; every call makes another.
func certificate(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a private authority"}, IsCA: true}
	der, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

const ownServer = "url: rtmps://host/app\nkey: " + theKey + "\n"

func TestDecodeDestinationTakesEverySetting(t *testing.T) {
	d, problem := decode(t, `platform: youtube
key: x
backup: true
rendition: 720p
fit: auto
max_bitrate: 6000kbps
audio: {silence_if_missing: true, track: 6}
schedule: {from: 2026-12-01T19:00:00+01:00, to: 2026-12-01T22:00:00Z}
delay: 90s
contract: {max_video_bitrate: 9Mbps, gop: 3s}
`)
	if problem != "" {
		t.Fatal(problem)
	}
	at := func(hour int) time.Time { return time.Date(2026, 12, 1, hour, 0, 0, 0, time.UTC) }
	if !d.Backup || d.Shape.Rendition != "720p" || d.Shape.Fit != config.FitAuto || d.Shape.MaxBitrate != 6_000_000 ||
		d.Audio != (config.Audio{Silence: true, Track: 6}) || d.Schedule != (config.Schedule{From: at(18), To: at(22)}) ||
		d.Wire.Delay != 90*time.Second {
		t.Errorf("got %+v", d)
	}

	youtube, _ := push.Lookup("youtube")
	if got := d.Shape.Contract; got.MaxVideoBitrate != 9_000_000 || got.GOP != 3*time.Second || got.AudioRequired != youtube.Contract.AudioRequired {
		t.Errorf("contract: got %+v", got)
	}

	plain, problem := decode(t, good)
	if problem != "" {
		t.Fatal(problem)
	}
	if plain.Backup || plain.Shape.Rendition != "" || plain.Shape.Fit != config.FitOff || plain.Shape.MaxBitrate != 0 ||
		plain.Audio != (config.Audio{Track: 1}) || plain.Schedule != (config.Schedule{}) || plain.Wire.Roots() != nil {
		t.Errorf("defaults: got %+v", plain)
	}
}

func TestDecodeDestinationTakesCertificates(t *testing.T) {
	dir := t.TempDir()
	first, second := certificate(t), certificate(t)
	write(t, filepath.Join(dir, "ca.pem"), "# ours\n"+first+second)
	load := func() config.Destination {
		d, err := config.DecodeDestination(filepath.Join(dir, "own.yml"), []byte(ownServer+"ca_file: ca.pem\n"), known)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := load()
	want := x509.NewCertPool()
	want.AppendCertsFromPEM([]byte(first + second))
	if !d.Wire.Roots().Equal(want) || !bytes.Contains(d.Wire.CAs, []byte(second)) {
		t.Error("not the two certificates of the file")
	}
	write(t, filepath.Join(dir, "ca.pem"), second)
	if load().Fingerprint == d.Fingerprint {
		t.Error("another certificate in the file did not change the fingerprint")
	}
}

func TestDecodeDestinationIsLoudAboutInsecure(t *testing.T) {
	d, problem := decode(t, ownServer+"insecure: true\n")
	if problem != "" || !d.Wire.Insecure || len(d.Notes) != 1 || !strings.HasPrefix(d.Notes[0], "INSECURE: ") {
		t.Errorf("%s: insecure %v, notes %q", problem, d.Wire.Insecure, d.Notes)
	}
	if d, problem := decode(t, ownServer+"insecure: false\n"); problem != "" || len(d.Notes) != 0 {
		t.Errorf("%s: notes %q", problem, d.Notes)
	}
}

func TestDecodeDestinationExplainsMistakesInShape(t *testing.T) {
	certFile := write(t, filepath.Join(t.TempDir(), "ca.pem"), certificate(t))
	damaged := write(t, filepath.Join(t.TempDir(), "ca.pem"), certificate(t)+"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	for _, c := range []struct{ name, content, want string }{
		{"an unknown rendition", good + "rendition: 720\n", `twitch.yml:3: rendition: no rendition is named "720" (did you mean 720p?)`},
		{"no name of one", good + "rendition: a b\n", "twitch.yml:3: rendition: not a name of a rendition (use 1 to 64 of the characters A-Z a-z 0-9 _ -)"},
		{"another way to fit", good + "fit: true\n", "twitch.yml:3: fit: not one of the choices (write off, auto or strict)"},
		{"a bitrate without its unit", good + "max_bitrate: 6000\n",
			"twitch.yml:3: max_bitrate: not a bitrate in range (write one from 100kbps to 100Mbps, with its unit, as in 100Mbps)"},
		{"no backup", good + "backup: true\n", "twitch.yml:3: backup: no backup ingest of twitch is known (remove the line; known are those of youtube)"},
		{"the backup of a URL", "platform: youtube\nurl: rtmps://a.rtmps.youtube.com/live2\nkey: k\nbackup: true\n",
			"twitch.yml:4: backup: url is set as well: where its backup is, nobody knows (remove url, or give the backup a file of its own)"},
		{"audio", good + "audio: {silence: true, track: 7}\n",
			"twitch.yml:3: audio.track: not a number in range (write a whole number from 1 to 6)\n" +
				"twitch.yml:3: audio.…: unknown setting (known are silence_if_missing, track)"},
		{"a track before the first", good + "audio: {track: 0}\n", "twitch.yml:3: audio.track: not a number in range (write a whole number from 1 to 6)"},
		{"a delay past the longest", good + "delay: 301s\n", "twitch.yml:3: delay: not a duration in range (write one from 0s to 5m0s, with its unit, as in 5m0s)"},
		{"an end before the beginning", good + "schedule:\n  from: 2026-12-01T18:00:00Z\n  to: 2026-12-01T18:00:00+00:00\n",
			"twitch.yml:5: schedule.to: not after from (write a later date and time)"},
		{"a schedule without its times", good + "schedule: {}\n",
			"twitch.yml:3: schedule: neither from nor to is set (write schedule: {from: 2027-01-01T18:00:00Z, to: 2027-01-01T22:00:00Z})"},
		{"a time without its zone", good + "schedule: {from: 2026-12-01T18:00:00}\n",
			"twitch.yml:3: schedule.from: not a date and time (write one with its zone, as in 2027-01-01T00:00:00Z or 2027-01-01T00:00:00+01:00)"},
		{"the year that stands for none", good + "schedule: {to: 0001-01-01T00:00:00Z}\n",
			"twitch.yml:3: schedule.to: not a date and time (write one with its zone, as in 2027-01-01T00:00:00Z or 2027-01-01T00:00:00+01:00)"},
		{"a year past", good + "schedule: {to: 2000-01-01T00:00:00+00:01}\n",
			"twitch.yml:3: schedule.to: not a date and time (write one with its zone, as in 2027-01-01T00:00:00Z or 2027-01-01T00:00:00+01:00)"},
		{"a year of five digits", good + "schedule: {to: 9999-12-31T23:59:59-00:01}\n",
			"twitch.yml:3: schedule.to: not a date and time (write one with its zone, as in 2027-01-01T00:00:00Z or 2027-01-01T00:00:00+01:00)"},
		{"certificates for rtmp", good + "ca_file: " + certFile + "\n",
			"twitch.yml:3: ca_file: rtmp:// has no certificate to check (begin the url with rtmps://, or remove the line)"},
		{"insecure rtmp", good + "insecure: true\n",
			"twitch.yml:3: insecure: rtmp:// has no certificate to check (begin the url with rtmps://, or remove the line)"},
		{"insecure and certificates", ownServer + "ca_file: " + certFile + "\ninsecure: true\n",
			"twitch.yml:4: insecure: ca_file is set as well (keep ca_file: with it the certificate can be checked)"},
		{"a damaged certificate", ownServer + "ca_file: " + damaged + "\n",
			"twitch.yml:3: ca_file: holds no certificate that can be read (write PEM into it: -----BEGIN CERTIFICATE----- and so on, the authority's, not the server's key)"},
		{"no certificate", ownServer + "ca_file: " + os.Args[0] + "\n", "twitch.yml:3: ca_file: cannot be read: larger than 1 MiB (a relative path starts at the folder of this file)"},
		{"nothing there", ownServer + "ca_file: none.pem\n", "twitch.yml:3: ca_file: cannot be read: no such file or directory (a relative path starts at the folder of this file)"},
	} {
		if _, got := decode(t, c.content); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}

	_, err := config.DecodeDestination("x.yml", []byte(good+"rendition: 720p\n"), config.Known{Streams: streams})
	if got, want := messages(err, ""), `x.yml:3: rendition: there is no such rendition (restreamd.yml has none yet: describe it there under renditions)`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// The words are those of package push.
func TestDecodeDestinationPlacesMistakesInTheContract(t *testing.T) {
	for content, want := range map[string]string{
		"contract:\n  gop: 2s\n  max_bitrate: 3Mbps\n": "twitch.yml:5: contract: unknown setting",
		"contract:\n  gop: 2\n":                        "twitch.yml:4: contract.gop: ",
		"contract: strict\n":                           "twitch.yml:3: contract: ",
	} {
		if _, got := decode(t, good+content); !strings.HasPrefix(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%q:\n got %s\nwant %s…", content, got, want)
		}
	}
}

func TestFingerprintCoversWhatAPushDependsOn(t *testing.T) {
	fingerprint := func(content string) string {
		d, problem := decode(t, content)
		if problem != "" {
			t.Fatal(problem)
		}
		return d.Fingerprint
	}
	first := fingerprint(ownServer)
	for _, same := range []string{
		"rendition: 720p\n", "fit: strict\n", "contract: {gop: 3s}\n", "max_bitrate: 2.5Mbps\n", "schedule: {to: 2026-12-01T18:00:00Z}\n", "enabled: false\n",
		"audio: {track: 1}\n", "delay: 0s\n", "insecure: false\n",
	} {
		if fingerprint(ownServer+same) != first {
			t.Errorf("%q restarts a running push", same)
		}
	}
	seen := map[string]string{first: ""}
	for _, other := range []string{
		"ca_file: " + write(t, filepath.Join(t.TempDir(), "ca.pem"), certificate(t)) + "\n", "insecure: true\n", "delay: 1s\n", "delay: 2s\n",
		"audio: {track: 2}\n", "audio: {silence_if_missing: true}\n",
	} {
		got := fingerprint(ownServer + other)
		if like, taken := seen[got]; taken {
			t.Errorf("%q has the fingerprint of %q", other, like)
		}
		seen[got] = other
	}
}
