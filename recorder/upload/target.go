package upload

import (
	"strings"

	"github.com/restreamd/restreamd/relay/secret"
)

// Target is where the recordings of a stream go.
type Target struct {
	Endpoint    string // http:// or https:// and a host
	Bucket      string
	Prefix      string // of objects' names
	Region      string // "": the store is asked
	AccessKey   secret.String
	SecretKey   secret.String
	DeleteAfter bool  // remove what was uploaded
	PartSize    int64 // bytes, of all parts but the last
	Rate        int64 // bit/s at most; 0: no limit
}

// place is an object in a store. What was begun in one place means nothing in another.
type place struct {
	Endpoint string `json:"endpoint"`
	Bucket   string `json:"bucket"`
	Object   string `json:"object"`
}

func (t Target) place(name string) place { return place{t.Endpoint, t.Bucket, t.Prefix + name} }

func (p place) String() string {
	return strings.Join([]string{p.Endpoint, p.Bucket, p.Object}, "/")
}
