package rendition_test

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/ffmpeg"
	"github.com/restreamd/restreamd/relay/flv"
	"github.com/restreamd/restreamd/relay/process"
	"github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/rendition"
)

// BenchmarkRendition feeds a child at the pace of a live stream, and tells how soon its first frame came, by how much
// the last frame it wrote before the end of stdin lagged behind, and how many cores it took.
func BenchmarkRendition(b *testing.B) {
	for b.Loop() {
		path := relaytest.Media(b, relaytest.Size(1920, 1080), relaytest.Bitrate(6000))
		file, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		job, err := rendition.Recipe{Settings: rendition.Settings{Height: 720}}.Job(live)
		if err != nil {
			b.Fatal(err)
		}
		args, err := job.Args()
		if err != nil {
			b.Fatal(err)
		}
		var fed, first, lag time.Duration
		began := time.Now()
		exit := process.Run(b.Context(), process.Spec{
			Path: "ffmpeg", Args: args, Env: ffmpeg.Env(), DieWithParent: true,
			Feed: func(ctx context.Context, stdin *os.File) error {
				err := feedLive(ctx, stdin, file, began)
				fed = time.Since(began)
				return err
			},
			Output: func(stdout io.Reader) error {
				for r := flv.NewReader(stdout); ; {
					p, err := r.Read()
					if err != nil {
						return nil
					}
					if p.Kind != relay.Video || p.Slot != 0 {
						continue
					}
					if first == 0 {
						first = time.Since(began)
					}
					if now := time.Since(began); now < 7*time.Second { // before the end flushes all
						lag = now - time.Duration(p.DTS)*time.Millisecond
					}
				}
			},
		})
		file.Close()
		b.ReportMetric(first.Seconds()*1000, "ms-to-first")
		b.ReportMetric(lag.Seconds()*1000, "ms-behind")
		b.ReportMetric((exit.Usage.User+exit.Usage.System).Seconds()/fed.Seconds(), "cores")
	}
}

// feedLive writes each tag when its time has come.
func feedLive(ctx context.Context, w io.Writer, file io.Reader, began time.Time) error {
	if _, err := w.Write(flv.AppendHeader(nil, true, true)); err != nil {
		return err
	}
	for r := flv.NewReader(file); ; {
		p, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-time.After(time.Until(began.Add(time.Duration(p.DTS) * time.Millisecond))):
		case <-ctx.Done():
			return ctx.Err()
		}
		tag := flv.AppendTagHeader(nil, p.Kind, len(p.Body), p.DTS)
		if _, err := w.Write(flv.AppendTrailer(append(tag, p.Body...), len(p.Body))); err != nil {
			return err
		}
	}
}
