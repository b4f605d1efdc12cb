package ingest_test

import (
	"errors"
	"testing"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/secret"
)

func TestKeyring(t *testing.T) {
	keys := ingest.NewKeyring([]ingest.Stream{
		{Name: "main", App: "live", Keys: []ingest.Key{key("studio", "one"), key("field", "two")}},
		{Name: "aux", App: "aux", Keys: []ingest.Key{key("aux", "three")}},
	})
	for name, tc := range map[string]struct {
		app, key string
		grant    ingest.Grant
		err      error
	}{
		"first key":          {"live", "one", ingest.Grant{Stream: "main", Key: "studio"}, nil},
		"second key":         {"live", "two", ingest.Grant{Stream: "main", Key: "field"}, nil},
		"another app":        {"aux", "three", ingest.Grant{Stream: "aux", Key: "aux"}, nil},
		"key of another app": {"live", "three", ingest.Grant{}, ingest.ErrUnknownKey},
		"prefix":             {"live", "on", ingest.Grant{}, ingest.ErrUnknownKey},
		"no key":             {"live", "", ingest.Grant{}, ingest.ErrNoKey},
		"no such app":        {"vod", "one", ingest.Grant{}, ingest.ErrUnknownApp},
	} {
		t.Run(name, func(t *testing.T) {
			grant, err := keys.Authorize(t.Context(), ingest.Request{App: tc.app, Key: secret.New(tc.key)})
			if grant != tc.grant || !errors.Is(err, tc.err) {
				t.Errorf("granted %+v, %v; want %+v, %v", grant, err, tc.grant, tc.err)
			}
		})
	}
}
