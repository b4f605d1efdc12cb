package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	rt "github.com/restreamd/restreamd/relay/relaytest"
)

const (
	benchShow = 20 * time.Second // the length of the show that is encoded
	benchFPS  = 30               // of its picture
	// settled is how many frames every destination has got when starts are over: eight processes that start at once take
	// as much processor time as they do in the next two seconds.
	settled = 4 * benchFPS
)

// BenchmarkSharedEncodes sends a live show in 720p to six destinations that want two renditions, through the relay,
// which encodes each once, and then with one ffmpeg for each destination, which runs the relay's own command on the same
// media. It prints the cores that either way takes once it runs, their ratio, and the ratio with the starts counted in,
// which weigh much in so short a show. The preset is superfast, because two cores do not encode 720p six times in real
// time with the default; where they do not manage even this, nothing is compared.
func BenchmarkSharedEncodes(b *testing.B) {
	media := rt.Media(b, rt.Duration(benchShow), rt.Size(1280, 720), rt.Bitrate(3000))
	for range b.N {
		shared, encoders, err := encodeShared(b, media)
		if err != nil {
			b.Logf("nothing is compared: through the relay, %v", err)
			return
		}
		separate, err := encodeSeparately(b, media, encoders)
		if err != nil {
			b.Logf("nothing is compared: with six ffmpegs, %v", err)
			return
		}
		b.ReportMetric(shared.cores(), "cores-relay")
		b.ReportMetric(separate.cores(), "cores-six-ffmpegs")
		b.ReportMetric(shared.cores()/separate.cores(), "ratio")
		b.ReportMetric(shared.whole.Seconds()/separate.whole.Seconds(), "ratio-with-starts")
		b.ReportMetric(0, "ns/op")
	}
}

// cost is processor time.
type cost struct {
	starts time.Duration // until all was settled
	whole  time.Duration
}

// cores are those busy between the starts and the end of the show.
func (c cost) cores() float64 {
	return (c.whole - c.starts).Seconds() / (benchShow.Seconds() - settled/benchFPS)
}

// encodeShared returns what the relay and all its children took for the show, and the command lines of its encoders.
func encodeShared(b *testing.B, media string) (c cost, encoders [][]string, err error) {
	b.Helper()
	r := rt.StartRelay(b, append(shipped(), rt.StreamConfig(quiet), rt.ExtraConfig("encoders: {budget: 8}\nrenditions:\n"+
		"  a: {height: 480, video_bitrate: 1400kbps, preset: superfast}\n"+
		"  b: {height: 360, video_bitrate: 800kbps, preset: superfast}"))...)
	var sinks []*rt.Sink
	for n := range 6 {
		sink := rt.NewSink(b)
		sinks = append(sinks, sink)
		r.PutDestination(b, fmt.Sprintf("d%d", n), destination(sink, "k")+"rendition: "+[]string{"a", "b"}[n%2]+"\n")
	}
	boot := processorTime(b, r.Pid())
	pub := rt.Publish(b, r.PublishURL(), media)
	awaitSettled(b, sinks)
	c.starts = processorTime(b, r.Pid()) - boot
	for _, child := range rt.Children(r.Pid()) {
		c.starts += processorTime(b, child.Pid)
		if slices.Contains(child.Args, "pipe:1") { // only a rendition comes back to the relay
			encoders = append(encoders, child.Args)
		}
	}
	if len(encoders) != 2 {
		b.Fatalf("%d encoders run, want 2", len(encoders))
	}
	if code := pub.Wait(); code != 0 {
		b.Fatalf("the encoder ended with %d", code)
	}
	err = inTime(b, sinks)
	rt.Eventually(b, patient, "all children to be gone", func() bool { return len(rt.Children(r.Pid())) == 0 })
	c.whole = processorTime(b, r.Pid()) - boot // children that ended are in it
	return c, encoders, err
}

// encodeSeparately runs each command for three destinations at once, on the file as if it was live.
func encodeSeparately(b *testing.B, media string, encoders [][]string) (c cost, err error) {
	b.Helper()
	var sinks []*rt.Sink
	var running []*exec.Cmd
	for _, args := range slices.Repeat(encoders, 3) {
		sink := rt.NewSink(b)
		sinks = append(sinks, sink)
		words := strings.NewReplacer("pipe:0", media, "pipe:1", sink.URL()+"/k", "pipe:3", os.DevNull)
		command := []string{"-re"}
		for _, arg := range args[1:] {
			command = append(command, words.Replace(arg))
		}
		cmd := exec.CommandContext(b.Context(), args[0], command...)
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		running = append(running, cmd)
	}
	awaitSettled(b, sinks)
	for _, cmd := range running {
		c.starts += processorTime(b, cmd.Process.Pid)
	}
	for _, cmd := range running {
		if err := cmd.Wait(); err != nil {
			b.Errorf("%v: %v", cmd.Args, err)
		}
		c.whole += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return c, inTime(b, sinks)
}

func awaitSettled(b *testing.B, sinks []*rt.Sink) {
	b.Helper()
	for _, sink := range sinks {
		sink.Wait(b, patient, func(all []rt.Session) bool { return len(all) > 0 && len(all[0].VideoHashes()) >= settled })
	}
}

// inTime reports an error unless every destination was sent the whole show, no slower than it was made.
func inTime(b *testing.B, sinks []*rt.Sink) error {
	b.Helper()
	const late = 2 * time.Second
	for n, sink := range sinks {
		s := sink.Wait(b, patient, func(all []rt.Session) bool { return len(all) > 0 && !all[0].Closed.IsZero() })[0]
		took := s.Tags[len(s.Tags)-1].At.Sub(s.FirstMedia)
		if frames := len(s.VideoHashes()); frames < benchFPS*int(benchShow.Seconds())*95/100 || took > benchShow+late {
			return fmt.Errorf("destination %d was sent %d frames of a show of %v in %v: this machine is too busy or too slow",
				n, frames, benchShow, took)
		}
	}
	return nil
}

// processorTime is what a process and all children it has waited for took so far.
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat := read(b, fmt.Sprintf("/proc/%d/stat", pid))
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const utime, cstime = 11, 14 // proc(5), less the two fields up to the name
	var ticks int
	for _, field := range fields[utime : cstime+1] {
		n, err := strconv.Atoi(string(field))
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	const perSecond = 100 // USER_HZ, whatever the kernel's own clock
	return time.Duration(ticks) * time.Second / perSecond
}
