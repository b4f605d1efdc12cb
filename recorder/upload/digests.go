package upload

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// digests are those of one part.
type digests struct {
	size   int64
	md5    []byte
	sha256 string // hexadecimal
}

func digest(r io.Reader) (digests, error) {
	m, s := md5.New(), sha256.New()
	n, err := io.Copy(io.MultiWriter(m, s), r)
	return digests{n, m.Sum(nil), hex.EncodeToString(s.Sum(nil))}, err
}

func (d digests) base64() string { return base64.StdEncoding.EncodeToString(d.md5) }

func (d digests) hex() string { return hex.EncodeToString(d.md5) }

// etagOf is what S3 calls an object that was made of parts: the MD5 of their MD5s, and how many there are.
func etagOf(parts []string) string {
	h := md5.New()
	for _, part := range parts {
		raw, _ := hex.DecodeString(part) // what is no MD5 makes another ETag
		h.Write(raw)
	}
	return fmt.Sprintf("%s-%d", hex.EncodeToString(h.Sum(nil)), len(parts))
}

// sameTag compares what a store calls a part with what we know of it. Stores quote it or not.
func sameTag(a, b string) bool {
	return a != "" && strings.EqualFold(strings.Trim(a, `"`), strings.Trim(b, `"`))
}
