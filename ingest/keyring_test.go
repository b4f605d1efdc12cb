package ingest_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay/secret"
)

func TestKeyring(t *testing.T) {
	keys := ingest.NewKeyring([]ingest.Stream{
		{Name: "main", App: "live", Keys: []ingest.Key{key("studio", "one"), key("field", "two")}},
		{Name: "aux", App: "aux", Keys: []ingest.Key{key("aux", "three")}, Revoke: true},
	})
	for name, tc := range map[string]struct {
		app, key string
		grant    ingest.Grant
		err      error
	}{
		"first key":          {"live", "one", ingest.Grant{Stream: "main", Key: "studio"}, nil},
		"second key":         {"live", "two", ingest.Grant{Stream: "main", Key: "field"}, nil},
		"another app":        {"aux", "three", ingest.Grant{Stream: "aux", Key: "aux", Standing: true}, nil},
		"key of another app": {"live", "three", ingest.Grant{}, ingest.ErrUnknownKey},
		"prefix":             {"live", "on", ingest.Grant{}, ingest.ErrUnknownKey},
		"longer":             {"live", "onee", ingest.Grant{}, ingest.ErrUnknownKey},
		"a key's name":       {"live", "studio", ingest.Grant{}, ingest.ErrUnknownKey},
		"no key":             {"live", "", ingest.Grant{}, ingest.ErrNoKey},
		"no such app":        {"vod", "one", ingest.Grant{}, ingest.ErrUnknownApp},
	} {
		t.Run(name, func(t *testing.T) {
			grant, err := keys.Authorize(t.Context(), ingest.Request{Action: ingest.Publish, App: tc.app, Key: secret.New(tc.key)})
			if grant != tc.grant || !errors.Is(err, tc.err) {
				t.Errorf("granted %+v, %v; want %+v, %v", grant, err, tc.grant, tc.err)
			}
		})
	}
}

// The digest is all a keyring has, and presenting it opens nothing.
func TestDigestIsNoKey(t *testing.T) {
	k := key("studio", "one")
	keys := ingest.NewKeyring([]ingest.Stream{{Name: "main", App: "live", Keys: []ingest.Key{k}}})
	_, err := keys.Authorize(t.Context(), ingest.Request{Action: ingest.Publish, App: "live", Key: secret.New(string(k.Digest[:]))})
	if !errors.Is(err, ingest.ErrUnknownKey) {
		t.Errorf("the digest is answered with %v", err)
	}
}

func TestKeysExpireToTheInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := key("old", "one"), key("next", "two")
		old.Expires = time.Now().Add(time.Hour)
		keys := ingest.NewKeyring([]ingest.Stream{{Name: "main", App: "live", Keys: []ingest.Key{old, next}, PlayWithKey: true}})
		for _, step := range []struct {
			after time.Duration
			err   error
		}{
			{0, nil}, {time.Hour - time.Nanosecond, nil}, {time.Nanosecond, ingest.ErrExpired}, {1000 * time.Hour, ingest.ErrExpired},
		} {
			time.Sleep(step.after)
			for _, action := range []ingest.Action{ingest.Publish, ingest.Play} {
				r := ingest.Request{Action: action, App: "live", Key: secret.New("one")}
				if _, err := keys.Authorize(t.Context(), r); !errors.Is(err, step.err) {
					t.Errorf("%s %v before its end: %v, want %v", action, time.Until(old.Expires), err, step.err)
				}
				r.Key = secret.New("two")
				if _, err := keys.Authorize(t.Context(), r); err != nil {
					t.Errorf("the key that does not expire: %v", err)
				}
			}
		}
	})
}

func TestKeysMayBeUsedFrom(t *testing.T) {
	studio := key("studio", "one")
	for _, p := range []string{"10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "fe80::/10"} {
		studio.Allow = append(studio.Allow, netip.MustParsePrefix(p))
	}
	keys := ingest.NewKeyring([]ingest.Stream{{Name: "main", App: "live", Keys: []ingest.Key{studio, key("field", "two")}}})
	for ip, allowed := range map[string]bool{
		"10.0.0.0": true, "10.255.255.255": true, "11.0.0.0": false, "9.255.255.255": false,
		"192.0.2.7": true, "192.0.2.8": false, "127.0.0.1": false, "::1": false,
		"2001:db8::1": true, "2001:db9::1": false, "fe80::1": true, "fe80::1%eth0": true,
	} {
		r := ingest.Request{Action: ingest.Publish, App: "live", Key: secret.New("one"), Remote: netip.AddrPortFrom(netip.MustParseAddr(ip), 9)}
		if _, err := keys.Authorize(t.Context(), r); (err == nil) != allowed || err != nil && !errors.Is(err, ingest.ErrAddress) {
			t.Errorf("from %s: %v, want %t", ip, err, allowed)
		}
		r.Key = secret.New("two")
		if _, err := keys.Authorize(t.Context(), r); err != nil {
			t.Errorf("a key for everywhere from %s: %v", ip, err)
		}
	}
}

func TestWhoMayPlay(t *testing.T) {
	keys := ingest.NewKeyring([]ingest.Stream{
		{Name: "open", App: "live", Keys: []ingest.Key{key("open", "one")}, PlayWithKey: true, PlayLocally: true},
		{Name: "shut", App: "live", Keys: []ingest.Key{key("shut", "two")}},
		{Name: "other", App: "else", Keys: []ingest.Key{key("other", "three")}, PlayLocally: true},
	})
	const here, here6, there = "127.0.0.1", "::1", "192.0.2.1"
	for name, tc := range map[string]struct {
		action    ingest.Action
		key, from string
		grant     ingest.Grant
		err       error
	}{
		"by key":                        {ingest.Play, "one", there, ingest.Grant{Stream: "open", Key: "open"}, nil},
		"by a key for publishing":       {ingest.Play, "two", there, ingest.Grant{Key: "shut"}, ingest.ErrPlay},
		"the same, from here":           {ingest.Play, "two", here, ingest.Grant{Key: "shut"}, ingest.ErrPlay},
		"by name from here":             {ingest.Play, "open", here, ingest.Grant{Stream: "open", Key: "(this machine)"}, nil},
		"by name from here, IPv6":       {ingest.Play, "open", here6, ingest.Grant{Stream: "open", Key: "(this machine)"}, nil},
		"by name from elsewhere":        {ingest.Play, "open", there, ingest.Grant{}, ingest.ErrUnknownKey},
		"by name where that is off":     {ingest.Play, "shut", here, ingest.Grant{}, ingest.ErrUnknownKey},
		"by the name of another app's":  {ingest.Play, "other", here, ingest.Grant{}, ingest.ErrUnknownKey},
		"by a name nobody has":          {ingest.Play, "nobody", here, ingest.Grant{}, ingest.ErrUnknownKey},
		"publishing by name, from here": {ingest.Publish, "open", here, ingest.Grant{}, ingest.ErrUnknownKey},
		"by nothing":                    {ingest.Play, "", here, ingest.Grant{}, ingest.ErrNoKey},
	} {
		t.Run(name, func(t *testing.T) {
			grant, err := keys.Authorize(t.Context(), ingest.Request{
				Action: tc.action, App: "live", Key: secret.New(tc.key), Remote: netip.AddrPortFrom(netip.MustParseAddr(tc.from), 9),
			})
			if grant != tc.grant || !errors.Is(err, tc.err) {
				t.Errorf("granted %+v, %v; want %+v, %v", grant, err, tc.grant, tc.err)
			}
		})
	}
}

func TestLockKnowsNobodyUntilChanged(t *testing.T) {
	var lock ingest.Lock
	r := ingest.Request{Action: ingest.Publish, App: "live", Key: secret.New("one")}
	if _, err := lock.Authorize(t.Context(), r); !errors.Is(err, ingest.ErrUnknownKey) {
		t.Errorf("before: %v", err)
	}
	lock.Change(ingest.NewKeyring([]ingest.Stream{{Name: "main", App: "live", Keys: []ingest.Key{key("studio", "one")}}}))
	if _, err := lock.Authorize(t.Context(), r); err != nil {
		t.Errorf("changed: %v", err)
	}
	lock.Change(ingest.Doors{})
	if _, err := lock.Authorize(t.Context(), r); !errors.Is(err, ingest.ErrUnknownKey) {
		t.Errorf("changed again: %v", err)
	}
}
