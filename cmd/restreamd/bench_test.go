package main_test

import (
	"os"
	"slices"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

// BenchmarkDelay sends the same media to a stand-in platform directly and through the relay, side by side, and prints
// what the relay adds to each video packet's way, and how long after a publish the first keyframe is there. Run it by
// make bench, which takes the binary as it is shipped.
func BenchmarkDelay(b *testing.B) {
	media := read(b, rt.Media(b))
	for range b.N {
		direct, relayed := rt.NewSink(b), rt.NewSink(b)
		r := rt.StartRelay(b, append(shipped(), rt.Destination("sink", destination(relayed, "k")))...)
		first := dial(b, r.PublishURL())
		second := dial(b, direct.URL()+"/k")
		done := make(chan []rt.Sent)
		go func() { done <- first.SendFile(b, media, 0) }()
		sentDirect := second.SendFile(b, media, 0)
		sentRelayed := <-done
		_, _ = first.Goodbye(), second.Goodbye()
		first.Close()
		second.Close()

		without := delays(b, sentDirect, direct)
		with := delays(b, sentRelayed, relayed)
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		b.ReportMetric(ms(quantile(with, 0.5)-quantile(without, 0.5)), "ms-added-median")
		b.ReportMetric(ms(quantile(with, 0.95)-quantile(without, 0.95)), "ms-added-p95")
		b.ReportMetric(ms(firstKeyframe(b, sentRelayed, relayed)), "ms-to-first-keyframe")
		b.ReportMetric(0, "ns/op")
	}
}

// shipped makes relays from the binary that make build made.
func shipped() []rt.RelayOption {
	if path := os.Getenv("RESTREAMD_BINARY"); path != "" {
		return []rt.RelayOption{rt.Binary(path)}
	}
	return nil
}

// delays pairs what was sent with what came by hash and returns how long each video packet took. Of the first second,
// in which children start and catch up, nothing counts.
func delays(b *testing.B, sent []rt.Sent, sink *rt.Sink) []time.Duration {
	b.Helper()
	came := arrivals(b, sink, sent)
	var all []time.Duration
	for _, s := range sent {
		if s.Kind == rt.KindVideo && !s.Init && s.Timestamp > 1000 {
			all = append(all, came[s.Hash].Sub(s.At))
		}
	}
	slices.Sort(all)
	return all
}

// arrivals waits until everything is there.
func arrivals(b *testing.B, sink *rt.Sink, sent []rt.Sent) map[string]time.Time {
	b.Helper()
	want := 0
	for _, s := range sent {
		if s.Kind == rt.KindVideo && !s.Init {
			want++
		}
	}
	sessions := sink.Wait(b, soon, func(all []rt.Session) bool { return len(all) == 1 && len(all[0].VideoHashes()) == want })
	came := map[string]time.Time{}
	for _, tag := range sessions[0].Tags {
		came[tag.Hash] = tag.At
	}
	return came
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))]
}

func firstKeyframe(b *testing.B, sent []rt.Sent, sink *rt.Sink) time.Duration {
	b.Helper()
	i := slices.IndexFunc(sent, func(s rt.Sent) bool { return s.Keyframe && !s.Init })
	return arrivals(b, sink, sent)[sent[i].Hash].Sub(sent[i].At)
}
