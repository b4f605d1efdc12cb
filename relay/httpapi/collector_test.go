package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/restreamd/restreamd/relay/httpapi"
)

// scrape returns every sample of ours by name and labels: name{a="b",c="d"}.
func scrape(t *testing.T, s httpapi.Snapshot) map[string]float64 {
	t.Helper()
	w := ask(server(&relayed{snapshot: s}), "GET", "/metrics", "")
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]float64{}
	for name, family := range families {
		if !strings.HasPrefix(name, "restreamd_") {
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			samples[name+"{"+strings.Join(labels, ",")+"}"] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return samples
}

func TestMetrics(t *testing.T) {
	got := scrape(t, show())
	const twitch = `{kind="push",name="twitch",stream="main"}`
	for sample, want := range map[string]float64{
		`restreamd_build_info{ffmpeg="5.1.9",version="v1"}`:                                      1,
		`restreamd_stream_live{stream="main"}`:                                                   1,
		`restreamd_stream_live{stream="spare"}`:                                                  0,
		`restreamd_publisher_bytes_total{stream="main"}`:                                         123456,
		`restreamd_publisher_video_bitrate{stream="main"}`:                                       6e6,
		`restreamd_publisher_fps{stream="main"}`:                                                 30,
		`restreamd_publisher_keyframe_interval_seconds{stream="main"}`:                           2,
		`restreamd_output_starts_total` + twitch:                                                 3,
		`restreamd_output_failures_total` + twitch:                                               2,
		`restreamd_output_dropped_packets_total` + twitch:                                        120,
		`restreamd_output_dropped_gops_total` + twitch:                                           4,
		`restreamd_output_delivered_bytes` + twitch:                                              4000,
		`restreamd_output_state{kind="push",name="youtube",state="retrying",stream="main"}`:      1,
		`restreamd_output_state{kind="push",name="youtube",state="running",stream="main"}`:       0,
		`restreamd_output_delivery_grade{grade="acked",kind="push",name="twitch",stream="main"}`: 1,
		`restreamd_output_delivery_grade{grade="sent",kind="push",name="twitch",stream="main"}`:  0,
		`restreamd_output_delivery_grade{grade="none",kind="push",name="youtube",stream="main"}`: 1,
		`restreamd_output_delivered_bitrate` + twitch:                                            6.1e6,
		`restreamd_output_queue_age_seconds` + twitch:                                            0.25,
		`restreamd_output_rtt_seconds` + twitch:                                                  0.04,
		`restreamd_output_retransmits` + twitch:                                                  9,
		`restreamd_output_findings{breaks="true",kind="push",name="twitch",stream="main"}`:       2,
		`restreamd_output_findings{breaks="false",kind="push",name="twitch",stream="main"}`:      1,
		`restreamd_output_findings{breaks="true",kind="push",name="youtube",stream="main"}`:      0,
		`restreamd_encoder_budget_cores{}`:                                                       6,
		`restreamd_encoder_used_cores{}`:                                                         2.5,
		`restreamd_encoders{}`:                                                                   2,
		`restreamd_encoders_refused{}`:                                                           1,
		`restreamd_uploads{state="waiting"}`:                                                     3,
		`restreamd_uploads{state="off"}`:                                                         0,
		`restreamd_uploads_done_total{}`:                                                         7,
		`restreamd_upload_failures_total{}`:                                                      2,
		`restreamd_upload_sent_bytes_total{}`:                                                    9000,
		`restreamd_destination_problems{}`:                                                       1,
		`restreamd_disk_free_bytes{}`:                                                            1 << 30,
	} {
		if value, ok := got[sample]; !ok || value != want {
			t.Errorf("%s is %v (there: %v), want %v", sample, value, ok, want)
		}
	}
	for _, sample := range []string{
		`restreamd_publisher_fps{stream="spare"}`,                                                 // has no publisher
		`restreamd_output_rtt_seconds{kind="record",name="record",stream="main"}`,                 // has no platform
		`restreamd_output_delivery_grade{grade="none",kind="record",name="record",stream="main"}`, // nor this
	} {
		if _, ok := got[sample]; ok {
			t.Errorf("%s is there", sample)
		}
	}
}

func TestMetricsAreWellFormed(t *testing.T) {
	w := ask(server(&relayed{snapshot: show()}), "GET", "/metrics", "")
	problems, err := promlint.New(w.Body).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "restreamd_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// What comes from outside (addresses, errors, last words, findings, times) must not become a label: each new value would be a
// series for ever.
func TestLabelsAreBounded(t *testing.T) {
	before := scrape(t, show())
	s := show()
	s.Now = s.Now.AddDate(0, 0, 1)
	p := s.Streams[0].Publisher
	p.Key, p.Remote, p.Agent, p.Media.Encoder = "another", "198.51.100.7:1", "agent", "encoder"
	for i := range s.Streams[0].Outputs {
		o := &s.Streams[0].Outputs[i]
		o.Reason, o.Pid, o.Lines, o.Target = "another reason", 4711, []string{"other words"}, "rtmp://elsewhere/app"
		o.Class, o.Findings = "another class", []httpapi.Finding{{Code: "another", Text: "finding", Fix: "it"}}
	}
	s.Encoders.Refused = append(s.Encoders.Refused, httpapi.Refusal{For: "x", Why: "another"})
	s.Problems = append(s.Problems, httpapi.Problem{Destination: "x", Error: "another"})
	s.Uploads.List = append(s.Uploads.List, httpapi.Upload{Stream: "x", File: "another", Target: "elsewhere", Class: "other"})
	after := scrape(t, s)
	if a, b := keys(before), keys(after); !slices.Equal(a, b) {
		t.Errorf("other series:\n%q\n%q", a, b)
	}
}

func keys(m map[string]float64) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}
