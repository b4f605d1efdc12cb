package httpapi

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/restreamd/restreamd/relay/output"
)

// collector turns a snapshot into metrics when it is scraped, so that all numbers are of one moment. Label values are
// names from the configuration only: their number is bounded by it.
type collector struct{ reporter Reporter }

type metric struct {
	desc *prometheus.Desc
	typ  prometheus.ValueType
}

func gauge(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("restreamd_"+name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("restreamd_"+name, help, labels, nil), prometheus.CounterValue}
}

var (
	buildInfo    = gauge("build_info", "1, with the versions as labels.", "version", "ffmpeg")
	streamLive   = gauge("stream_live", "1 while outputs of the stream get media.", "stream")
	pubBytes     = counter("publisher_bytes_total", "Media bytes received from the present publisher.", "stream")
	pubVideoRate = gauge("publisher_video_bitrate", "Video bit/s over the last seconds.", "stream")
	pubAudioRate = gauge("publisher_audio_bitrate", "Audio bit/s over the last seconds.", "stream")
	pubFPS       = gauge("publisher_fps", "Video frames per second over the last seconds.", "stream")
	pubInterval  = gauge("publisher_keyframe_interval_seconds", "Time between the two newest keyframes.", "stream")
	outState     = gauge("output_state", "1 for the state the output is in.", "stream", "kind", "name", "state")
	outStarts    = counter("output_starts_total", "Children started.", "stream", "kind", "name")
	outFailures  = counter("output_failures_total", "Children that failed, and ways that could not be opened.", "stream", "kind", "name")
	outDrops     = counter("output_dropped_packets_total", "Packets the output was too slow for.", "stream", "kind", "name")
	outDropGOPs  = counter("output_dropped_gops_total", "GOPs the output was too slow for.", "stream", "kind", "name")
	outDelivered = gauge("output_delivered_bytes", "Bytes the platform acknowledged, or a number that grows while files are written, of the present child.", "stream", "kind", "name")
	problems     = gauge("destination_problems", "Destination files that are refused or run by their last good version.")
	attempts     = counter("ingest_attempts_total", "RTMP connections by what became of them: accepted, or why not.", "result")
	ends         = counter("ingest_ends_total", "Publishers and players that left, by why.", "reason")
	connections  = gauge("ingest_connections", "RTMP connections that are open.")
	diskFree     = gauge("disk_free_bytes", "Space left for recordings and HLS.")
)

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range []metric{buildInfo, streamLive, pubBytes, pubVideoRate, pubAudioRate, pubFPS, pubInterval,
		outState, outStarts, outFailures, outDrops, outDropGOPs, outDelivered, problems, attempts, ends, connections, diskFree} {
		ch <- m.desc
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	send := func(m metric, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(m.desc, m.typ, v, labels...)
	}
	s := c.reporter.Snapshot()
	send(buildInfo, 1, s.Version, s.FFmpeg)
	send(problems, float64(len(s.Problems)))
	send(diskFree, float64(s.Disk.Free))
	send(connections, float64(s.Ingest.Open))
	for code, n := range s.Ingest.Attempts {
		send(attempts, float64(n), code)
	}
	for code, n := range s.Ingest.Ends {
		send(ends, float64(n), code)
	}
	for _, stream := range s.Streams {
		send(streamLive, truth(stream.Live), stream.Name)
		if p := stream.Publisher; p != nil {
			send(pubBytes, float64(p.Bytes), stream.Name)
			send(pubVideoRate, float64(p.Rates.VideoBitrate), stream.Name)
			send(pubAudioRate, float64(p.Rates.AudioBitrate), stream.Name)
			send(pubFPS, p.Rates.FPS, stream.Name)
			send(pubInterval, p.Rates.KeyframeInterval, stream.Name)
		}
		for _, o := range stream.Outputs {
			id := []string{o.Stream, o.Kind, o.Name}
			for _, state := range output.States() {
				send(outState, truth(o.State == state), append(id[:3:3], string(state))...)
			}
			send(outStarts, float64(o.Starts), id...)
			send(outFailures, float64(o.Failures), id...)
			send(outDrops, float64(o.Drops.Packets), id...)
			send(outDropGOPs, float64(o.Drops.GOPs), id...)
			send(outDelivered, float64(o.Done), id...)
		}
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
