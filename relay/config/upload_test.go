package config_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/restreamd/restreamd/relay/config"
	"github.com/restreamd/restreamd/relay/secret"
)

func TestLoadUpload(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "keys/access"), "AKIAIOSFODNN7\n")
	t.Setenv("S3_SECRET", theKey)
	cfg, err := config.Load(write(t, filepath.Join(dir, "c.yml"), `
streams:
  main:
    record:
      upload: {endpoint: "https://s3.example.com/", bucket: shows, access_key_file: keys/access, secret_key_env: S3_SECRET}
    keys: [{key: `+theKey+`}]
  aux:
    record:
      upload:
        endpoint: http://127.0.0.1:9000
        bucket: my.shows
        prefix: "tv/{stream}/{stream}-"
        region: eu-central-1
        access_key_file: keys/access
        secret_key_env: S3_SECRET
        delete_after: true
        part_size: 64MiB
        rate: 20Mbps
    keys: [{key: another}]
  off: {keys: [{key: a-third}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	access, hidden := secret.New("AKIAIOSFODNN7"), secret.New(theKey)
	for i, want := range []config.Upload{
		{Endpoint: "https://s3.example.com", Bucket: "shows", Prefix: "{stream}/", AccessKey: access, SecretKey: hidden, PartSize: 16_000_000},
		{
			Endpoint: "http://127.0.0.1:9000", Bucket: "my.shows", Prefix: "tv/{stream}/{stream}-", Region: "eu-central-1",
			AccessKey: access, SecretKey: hidden, DeleteAfter: true, PartSize: 64 << 20, Rate: 20_000_000,
		},
		{},
	} {
		if got := cfg.Streams[i].Record.Upload; !reflect.DeepEqual(got, want) {
			t.Errorf("\n got %+v\nwant %+v", got, want)
		}
	}
	if got := cfg.Streams[1].Record.Upload.PrefixOf("aux"); got != "tv/aux/aux-" {
		t.Errorf("prefix %q", got)
	}
	notes := strings.Join(cfg.Notes, "\n")
	if !strings.Contains(notes, "streams.aux.record.upload.endpoint: over http://") || strings.Contains(notes, "streams.main.record") {
		t.Errorf("notes: %s", notes)
	}
	if shown := fmt.Sprintf("%+v %#v %s", cfg, cfg, notes); strings.Contains(shown, theKey) {
		t.Error("a secret is shown")
	}
}

func TestLoadRefusesUploadsOverEachOther(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "x")
	const to = "{keys: [{key: %s}], record: {upload: {endpoint: https://s3.example.com, bucket: shows, prefix: tv/, access_key_file: a, secret_key_file: a}}}"
	_, err := config.Load(write(t, filepath.Join(dir, "c.yml"), fmt.Sprintf("streams:\n  main: "+to+"\n  aux: "+to+"\n", "one", "two")))
	want := "c.yml:3: streams.aux: record.upload: the same bucket and prefix as stream main (put {stream} into both prefixes)"
	if got := messages(err, dir); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestLoadExplainsMistakesInUpload(t *testing.T) {
	const right = "access_key_file: a, secret_key_file: a"
	for _, c := range []struct{ name, content, want string }{
		{"nothing", "{}",
			"c.yml:1: streams.main.record.upload.access_key_file: missing (set access_key_file or access_key_env)\n" +
				"c.yml:1: streams.main.record.upload.secret_key_file: missing (set secret_key_file or secret_key_env)\n" +
				"c.yml:1: streams.main.record.upload.endpoint: missing (write endpoint: https://s3.eu-central-1.amazonaws.com and bucket: NAME, as your store calls them)\n" +
				"c.yml:1: streams.main.record.upload.bucket: missing (write endpoint: https://s3.eu-central-1.amazonaws.com and bucket: NAME, as your store calls them)"},
		{"the endpoint", "{endpoint: s3.example.com, bucket: shows, " + right + "}",
			"c.yml:1: streams.main.record.upload.endpoint: not a URL to ask (write https or http://host/path)"},
		{"a bucket in the endpoint", "{endpoint: https://s3.example.com/shows, bucket: shows, " + right + "}",
			"c.yml:1: streams.main.record.upload.endpoint: more than a host (write the bucket under bucket, and what comes behind it under prefix)"},
		{"keys in the endpoint", "{endpoint: https://" + theKey + ":" + theKey + "@s3.example.com, bucket: shows, " + right + "}",
			"c.yml:1: streams.main.record.upload.endpoint: credentials in the URL (put them into access_key_file and secret_key_file)"},
		{"the bucket", "{endpoint: https://s3.example.com, bucket: a/b, " + right + "}",
			"c.yml:1: streams.main.record.upload.bucket: not a name of a bucket (use 3 to 63 of the characters a-z 0-9 . -)"},
		{"a mark", "{endpoint: https://s3.example.com, bucket: shows, prefix: \"{key}/\", " + right + "}",
			"c.yml:1: streams.main.record.upload.prefix: an unknown mark ({stream} alone is known)"},
		{"a way up", "{endpoint: https://s3.example.com, bucket: shows, prefix: ../, " + right + "}",
			"c.yml:1: streams.main.record.upload.prefix: an empty folder, or . or .., in it (write it as in shows/{stream}/)"},
		{"a part", "{endpoint: https://s3.example.com, bucket: shows, part_size: 1MB, rate: 5, " + right + "}",
			"c.yml:1: streams.main.record.upload.part_size: not a size in range (write one from 6MB to 1GB, with its unit, as in 16MB)\n" +
				"c.yml:1: streams.main.record.upload.rate: not a bitrate in range (write one from 100kbps to 100Gbps, with its unit, as in 100Gbps)"},
		{"keys twice", "{endpoint: https://s3.example.com, bucket: shows, access_key_file: a, access_key_env: B, secret_key_file: a}",
			"c.yml:1: streams.main.record.upload.access_key_env: access_key_file is set as well (keep one of the two)"},
		{"the key where its file belongs", "{endpoint: https://s3.example.com, bucket: shows, access_key_file: a, secret_key_file: " + theKey + "}",
			"c.yml:1: streams.main.record.upload.secret_key_file: cannot be read: no such file or directory (write the path of a file that holds it; a relative one starts at the folder of this file)"},
		{"a variable that is not set", "{endpoint: https://s3.example.com, bucket: shows, access_key_file: a, secret_key_env: " + theKey + "}",
			"c.yml:1: streams.main.record.upload.secret_key_env: the variable is empty or not set (set it where restreamd is started)"},
		{"an empty file", "{endpoint: https://s3.example.com, bucket: shows, access_key_file: empty, secret_key_file: a}",
			"c.yml:1: streams.main.record.upload.access_key_file: the file is empty (write it into the file, on one line)"},
		{"a file of two lines", "{endpoint: https://s3.example.com, bucket: shows, access_key_file: two, secret_key_file: a}",
			"c.yml:1: streams.main.record.upload.access_key_file: not a key of a store (it is one word on one line)"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a"), "x")
		write(t, filepath.Join(dir, "empty"), "\n")
		write(t, filepath.Join(dir, "two"), "x\ny\n")
		_, err := config.Load(write(t, filepath.Join(dir, "c.yml"), "streams: {main: {record: {upload: "+c.content+"}}}\n"))
		if got := messages(err, dir); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}
