package relay_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/restreamd/restreamd/relay"
)

// What happens is told in its order, with who and why, and of which session.
func TestEvents(t *testing.T) {
	hub := relay.NewHub("main")
	var events []relay.Event
	hub.Observe(func(e relay.Event) { events = append(events, e) })
	s := hub.Stream("main")
	s.Hold(relay.Holds{Lost: true})
	primary := publish(t, s, "studio")
	write(t, primary, key(0, "k0"))
	first := s.Status().Session
	spare := backup(t, s, "field")
	write(t, spare, key(0, "b0"))
	if _, err := s.Publish(relay.Publisher{Key: "guest"}); err == nil {
		t.Error("the guest was let in")
	}
	primary.Lose(errReset)
	primary = publish(t, s, "studio")
	for range 3 { // asked for again and again
		if err := s.Switch("primary", "by hand", false); err != nil {
			t.Fatal(err)
		}
	}
	write(t, primary, key(0, "k1"))
	spare.Close()
	stopgap, _ := standIn(t, s, relay.Primary)
	write(t, stopgap, key(40, "k1"))
	write(t, primary, key(40, "k2"))
	primary = publish(t, s, "studio") // replaces itself
	write(t, primary, key(0, "k3"))
	primary.Close()
	hub.Derive("main@480p") // tells nothing
	publish(t, hub.Stream("main@480p"), "encoder").Close()
	publish(t, s, "guest")
	s.Disconnect()

	var got []string
	for _, e := range events {
		got = append(got, fmt.Sprintf("%s %s %s: %s", e.What, e.Role, e.Key, e.Why))
		if e.Stream != "main" || e.At.IsZero() {
			t.Errorf("%+v", e)
		}
		if second := !e.Session.Equal(*first); second != (len(got) > 16) {
			t.Errorf("event %d is of session %v: %s", len(got), e.Session, got[len(got)-1])
		}
	}
	want := []string{
		"began  : ",
		"published primary studio: 192.0.2.1:4000",
		"feeding primary studio: ",
		"published backup field: ",
		"lost primary studio: connection reset",
		"feeding backup field: ",
		"published primary studio: 192.0.2.1:4000",
		"switch primary studio: by hand",
		"feeding primary studio: ",
		"left backup field: said goodbye",
		"feeding stopgap hold: why",
		"feeding primary studio: ",
		"published primary studio: 192.0.2.1:4000",
		"feeding primary studio: ",
		"left primary studio: said goodbye",
		"ended  : said goodbye",
		"began  : ",
		"published primary guest: 192.0.2.1:4000",
		"feeding primary guest: ",
		"ended  : disconnected by the operator",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told\n%q, want\n%q", got, want)
	}
}
