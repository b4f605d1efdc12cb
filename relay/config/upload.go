package config

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/restreamd/restreamd/relay/secret"
)

// Upload is the store that finished recordings of a stream are sent to. Its zero value is none.
type Upload struct {
	Endpoint    string        // http:// or https:// and the host of an S3-compatible store
	Bucket      string        // there already
	Prefix      string        // of the objects' names, in which {stream} is the stream's name; default "{stream}/"
	Region      string        // default "": the store is asked
	AccessKey   secret.String // from access_key_file or access_key_env
	SecretKey   secret.String // from secret_key_file or secret_key_env
	DeleteAfter bool          // remove a recording here once the store proved to have all of it; default false
	PartSize    int64         // bytes that are sent again when a connection is lost, at most; default 16MB
	Rate        int64         // bit/s that it takes at most; default 0: whatever there is
}

const (
	minPart, defaultPart, maxPart = 6_000_000, 16_000_000, 1_000_000_000 // S3 takes 5 MiB to 5 GiB

	streamMark = "{stream}"
	maxPrefix  = 512
)

// bucketForm is what stores take, those with old buckets included.
var bucketForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$`)

// On reports whether recordings are uploaded at all.
func (u Upload) On() bool { return u.Endpoint != "" }

// PrefixOf is what the names of a stream's objects begin with.
func (u Upload) PrefixOf(stream string) string {
	return strings.ReplaceAll(u.Prefix, streamMark, stream)
}

func (u *Upload) read(s *section) {
	u.Prefix, u.PartSize = streamMark+"/", defaultPart
	u.readEndpoint(s)
	if s.text("bucket", &u.Bucket); u.Bucket != "" && !bucketForm.MatchString(u.Bucket) {
		s.fail("bucket", "not a name of a bucket", "use 3 to 63 of the characters a-z 0-9 . -")
	}
	s.text("prefix", &u.Prefix)
	u.checkPrefix(s)
	s.name("region", &u.Region)
	u.AccessKey = s.credential("access_key")
	u.SecretKey = s.credential("secret_key")
	s.flag("delete_after", &u.DeleteAfter)
	s.size("part_size", &u.PartSize, minPart, maxPart)
	s.bitrate("rate", &u.Rate, 100*kbps, 100*gbps)
	for _, key := range []string{"endpoint", "bucket"} {
		if !s.has(key) && !s.broken {
			s.fail(key, "missing", "write endpoint: https://s3.eu-central-1.amazonaws.com and bucket: NAME, as your store calls them")
		}
	}
	s.close()
}

// checkUploads refuses streams whose recordings would have the same names in the same bucket: of two shows that begin
// together the second would take the first one's place.
func checkUploads(all *section, streams []Stream) {
	taken := map[string]string{}
	for _, s := range streams {
		u := s.Record.Upload
		if !u.On() {
			continue
		}
		place := strings.Join([]string{u.Endpoint, u.Bucket, u.PrefixOf(s.Name)}, "/")
		if other, found := taken[place]; found {
			all.fail(s.Name, "record.upload: the same bucket and prefix as stream "+other, "put {stream} into both prefixes")
		}
		taken[place] = s.Name
	}
}

func (u *Upload) readEndpoint(s *section) {
	s.webURL("endpoint", &u.Endpoint, "https", "http")
	if u.Endpoint == "" {
		return
	}
	at, err := url.Parse(u.Endpoint)
	switch {
	case err != nil || at.User != nil:
		s.fail("endpoint", "credentials in the URL", "put them into access_key_file and secret_key_file")
	case at.Path != "" && at.Path != "/" || at.RawQuery != "" || at.Fragment != "":
		s.fail("endpoint", "more than a host", "write the bucket under bucket, and what comes behind it under prefix")
	case at.Scheme == "http":
		s.doc.note(s.path("endpoint") + ": over http:// everybody on the way can read the recordings: use https:// unless the store is on this machine")
	}
	u.Endpoint = strings.TrimSuffix(u.Endpoint, "/")
}

func (u *Upload) checkPrefix(s *section) {
	rest := strings.ReplaceAll(u.Prefix, streamMark, "x")
	switch {
	case strings.ContainsAny(rest, "{}"):
		s.fail("prefix", "an unknown mark", "{stream} alone is known")
	case len(u.Prefix) > maxPrefix || !utf8.ValidString(rest) || visible(rest) != rest || strings.Contains(rest, `\`):
		s.fail("prefix", "not the beginning of an object's name", `write one as in shows/{stream}/`)
	case strings.HasPrefix(rest, "/") || strings.Contains(rest, "//") || strings.Contains("/"+rest+"/", "/../") || strings.Contains("/"+rest+"/", "/./"):
		s.fail("prefix", "an empty folder, or . or .., in it", "write it as in shows/{stream}/")
	}
}

// credential takes a secret from the file or the environment variable that name_file or name_env tells. People write
// the secret itself there, so no error shows what it is.
func (s *section) credential(name string) secret.String {
	inFile, inEnv := name+"_file", name+"_env"
	path, hasFile := s.scalar(inFile)
	variable, hasEnv := s.scalar(inEnv)
	switch {
	case s.has(inFile) && s.has(inEnv):
		s.fail(inEnv, inFile+" is set as well", "keep one of the two")
	case hasFile:
		path = under(filepath.Dir(s.doc.file), path)
		data, err := s.doc.around.readText(path)
		if err != nil {
			s.fail(inFile, "cannot be read: "+reason(err), "write the path of a file that holds it; a relative one starts at the folder of this file")
			return secret.String{}
		}
		s.doc.noteExposed(path)
		return s.checkCredential(inFile, string(data), "the file is empty", "write it into the file, on one line")
	case hasEnv:
		return s.checkCredential(inEnv, s.doc.around.variable(variable), "the variable is empty or not set", "set it where restreamd is started")
	case !s.has(inFile) && !s.has(inEnv) && !s.broken:
		s.fail(inFile, "missing", "set "+inFile+" or "+inEnv)
	}
	return secret.String{}
}

func (s *section) checkCredential(field, text, empty, hint string) secret.String {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	switch {
	case text == "":
		s.fail(field, empty, hint)
	case visible(text) != text || strings.ContainsAny(text, " ") || len(text) > maxStreamKey:
		s.fail(field, "not a key of a store", "it is one word on one line")
		return secret.String{}
	}
	return secret.New(text)
}
