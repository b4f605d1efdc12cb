package main_test

import (
	"flag"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/restreamd/restreamd/relay/httpapi"
	"github.com/restreamd/restreamd/relay/output"
	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// These tests drive the shipped binary as its users do: a real encoder in front, stand-in platforms behind, files and
// HTTP beside it.

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "3") // the tests wait as much as they work; -parallel still has the last word
	goleak.VerifyTestMain(m)
}

const (
	soon    = 10 * time.Second
	patient = 30 * time.Second // a race-detector build on two busy cores
)

// destination is a destination file for a stand-in platform, which is given canary(key).
func destination(s *rt.Sink, key string) string {
	return fmt.Sprintf("url: %s\nkey: %s\n", s.URL(), canary(key))
}

// canary makes a key that nobody could mistake for anything else: relaytest looks for it wherever it must not be, and
// could not tell a short one from ordinary text. The same key gives the same canary.
func canary(key string) string {
	key, query, hasQuery := strings.Cut(key, "?")
	key = fmt.Sprintf("%s-canary-%08x", key, crc32.ChecksumIEEE([]byte(key)))
	if hasQuery {
		key += "?" + query
	}
	return key
}

func snapshot(t *testing.T, r *rt.Relay) httpapi.Snapshot {
	t.Helper()
	var s httpapi.Snapshot
	r.Status(t, &s)
	return s
}

// outputStatus returns one output's state, the zero value if there is none.
func outputStatus(t *testing.T, r *rt.Relay, kind, name string) output.Status {
	t.Helper()
	for _, o := range snapshot(t, r).Streams[0].Outputs {
		if o.Kind == kind && o.Name == name {
			return o.Status
		}
	}
	return output.Status{}
}

// awaitState waits until an output is in a state.
func awaitState(t *testing.T, r *rt.Relay, kind, name string, want output.State) output.Status {
	t.Helper()
	var o output.Status
	rt.Eventually(t, patient, fmt.Sprintf("%s/%s to be %s", kind, name, want), func() bool {
		o = outputStatus(t, r, kind, name)
		return o.State == want
	})
	return o
}

// awaitVideo waits until a sink's newest session has so many video packets.
func awaitVideo(t *testing.T, s *rt.Sink, packets int) rt.Session {
	t.Helper()
	sessions := s.Wait(t, patient, func(all []rt.Session) bool {
		return len(all) > 0 && len(all[len(all)-1].VideoHashes()) >= packets
	})
	return sessions[len(sessions)-1]
}

// awaitGoodbye waits until a sink's only session has ended and checks that it did so properly.
func awaitGoodbye(t *testing.T, s *rt.Sink) rt.Session {
	t.Helper()
	sessions := s.Wait(t, patient, func(all []rt.Session) bool {
		return len(all) > 0 && !slices.ContainsFunc(all, func(x rt.Session) bool { return x.Closed.IsZero() })
	})
	if len(sessions) != 1 {
		t.Fatalf("%d TCP sessions, want 1", len(sessions))
	}
	if !sessions[0].Clean {
		t.Error("the session ended without a goodbye (FCUnpublish, deleteStream)")
	}
	return sessions[0]
}

// sameHashes compares lists of packet hashes.
func sameHashes(t *testing.T, where string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Errorf("%s: %d packets, want %d; the first %d are the same", where, len(got), len(want), at)
}

// tailOf checks that got is the end of want, from a keyframe on: what an output that joined late must have.
func tailOf(t *testing.T, where string, got, want []string, gop int) {
	t.Helper()
	if len(got) == 0 {
		t.Errorf("%s: no packets", where)
		return
	}
	at := slices.Index(want, got[0])
	if at < 0 || at%gop != 0 {
		t.Errorf("%s: begins with packet %d of the publisher's, want a keyframe (every %d)", where, at, gop)
		return
	}
	sameHashes(t, where, got, want[at:])
}
