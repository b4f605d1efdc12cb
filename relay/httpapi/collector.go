package httpapi

import (
	"strconv"

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
	streamHeld   = gauge("stream_held", "1 while a session has no publisher.", "stream")
	streamSpare  = gauge("stream_standby_publishers", "Publishers that stand by.", "stream")
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
	outGrade     = gauge("output_delivery_grade", "1 for the grade the proof of delivery has reached.", "stream", "kind", "name", "grade")
	outDelivered = gauge("output_delivered_bytes", "Bytes the platform acknowledged in the present session with it.", "stream", "kind", "name")
	outBitrate   = gauge("output_delivered_bitrate", "Bit/s the platform acknowledges.", "stream", "kind", "name")
	outAge       = gauge("output_queue_age_seconds", "How long the oldest byte has waited that the platform has not acknowledged.", "stream", "kind", "name")
	outRTT       = gauge("output_rtt_seconds", "Round trip time to the platform.", "stream", "kind", "name")
	outResent    = gauge("output_retransmits", "TCP segments sent to the platform again in the present session with it.", "stream", "kind", "name")
	outFindings  = gauge("output_findings", "Things in which the stream is not what the platform wants.", "stream", "kind", "name", "breaks")
	encBudget    = gauge("encoder_budget_cores", "CPU cores that renditions may cost.")
	encUsed      = gauge("encoder_used_cores", "CPU cores that the planned renditions are expected to cost.")
	encRunning   = gauge("encoders", "Renditions that are planned.")
	encRefused   = gauge("encoders_refused", "Renditions the budget has no room for.")
	problems     = gauge("destination_problems", "Destination files that are refused or run by their last good version.")
	attempts     = counter("ingest_attempts_total", "RTMP connections by what became of them: accepted, or why not.", "result")
	ends         = counter("ingest_ends_total", "Publishers and players that left, by why.", "reason")
	connections  = gauge("ingest_connections", "RTMP connections that are open.")
	alarms       = gauge("alarms", "Alarms that are on.")
	alarm        = gauge("alarm", "1 for each alarm that is on.", "stream", "kind", "name")
	diskFree     = gauge("disk_free_bytes", "Space left for recordings and HLS.")
)

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range append(uploadMetrics(), []metric{buildInfo, streamLive, streamHeld, streamSpare, pubBytes, pubVideoRate, pubAudioRate, pubFPS, pubInterval,
		outState, outStarts, outFailures, outDrops, outDropGOPs, outGrade, outDelivered, outBitrate, outAge, outRTT,
		outResent, outFindings, encBudget, encUsed, encRunning, encRefused, problems, attempts, ends, connections, diskFree, alarms, alarm}...) {
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
	send(alarms, float64(len(s.Alarms)))
	for _, a := range s.Alarms {
		send(alarm, 1, a.Stream, a.Kind, a.Name)
	}
	send(encBudget, s.Encoders.Budget)
	send(encUsed, s.Encoders.Used)
	send(encRunning, float64(len(s.Encoders.Running)))
	send(encRefused, float64(len(s.Encoders.Refused)))
	collectUploads(send, s.Uploads)
	for code, n := range s.Ingest.Attempts {
		send(attempts, float64(n), code)
	}
	for code, n := range s.Ingest.Ends {
		send(ends, float64(n), code)
	}
	for _, stream := range s.Streams {
		send(streamLive, truth(stream.Live), stream.Name)
		send(streamHeld, truth(stream.Hold != nil), stream.Name)
		send(streamSpare, float64(len(stream.Standby)), stream.Name)
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
			c.findings(send, o, id)
			c.delivery(send, o.Delivery, id)
		}
	}
}

// sender takes one value of a metric.
type sender func(m metric, v float64, labels ...string)

func (c collector) delivery(send sender, d *output.Delivery, id []string) {
	if d == nil {
		return
	}
	for _, g := range output.Grades() {
		send(outGrade, truth(d.Grade == g), append(id[:3:3], string(g))...)
	}
	send(outDelivered, float64(d.Acked), id...)
	send(outBitrate, float64(d.Bitrate), id...)
	send(outAge, d.QueueAge, id...)
	send(outRTT, d.RTT, id...)
	send(outResent, float64(d.Retransmits), id...)
}

func (c collector) findings(send sender, o Output, id []string) {
	count := map[bool]int{}
	for _, f := range o.Findings {
		count[f.Breaks]++
	}
	for _, breaks := range []bool{true, false} {
		send(outFindings, float64(count[breaks]), append(id[:3:3], strconv.FormatBool(breaks))...)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
