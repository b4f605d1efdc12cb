package output_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/restreamd/restreamd/relay/hls"
	"github.com/restreamd/restreamd/relay/output"
	"github.com/restreamd/restreamd/relay/relaytest"
)

// A child is given up when what comes out of it stands still for as long as its kind may, in the bubble's time.
func TestWatchdog(t *testing.T) {
	const never = time.Hour
	for name, c := range map[string]struct {
		push, file bool
		done       func(age time.Duration) int64
		queueAge   func(age time.Duration) time.Duration
		gop, pace  time.Duration
		want       time.Duration // until it is given up
		why        string
		class      output.Class
	}{
		"push that is taken":           {push: true, done: rate(6e6), want: never},
		"push that is taken slowly":    {push: true, done: rate(1e6), want: never},
		"push without an answer":       {push: true, done: talk, want: 15 * time.Second, why: "no answer", class: output.Timeout},
		"push that stops":              {push: true, done: until(20*time.Second, 6e6), want: 25 * time.Second, why: "stalled", class: output.Wedged},
		"push into a queue that stays": {push: true, done: rate(6e6), queueAge: since(20 * time.Second), want: 25 * time.Second, why: "stopped taking", class: output.Wedged},
		"queue before the answer":      {push: true, done: talk, queueAge: since(0), want: 15 * time.Second, why: "no answer", class: output.Timeout},
		"rendition":                    {done: rate(6e6), want: never},
		"rendition of a hundredth":     {done: rate(6e4), want: never},
		"rendition that never begins":  {done: rate(0), want: 15 * time.Second, why: "stalled", class: output.Wedged},
		"rendition that stops":         {done: until(20*time.Second, 6e4), want: 25 * time.Second, why: "stalled", class: output.Wedged},
		"file":                         {file: true, done: steps(20 * time.Second), want: never},
		"file that never grows":        {file: true, done: rate(0), want: 30 * time.Second, why: "stalled", class: output.Wedged},
		"packager":                     {file: true, pace: 2 * time.Second, gop: 2 * time.Second, done: steps(2 * time.Second), want: never},
		"packager that never begins":   {file: true, pace: 2 * time.Second, gop: time.Second, done: rate(0), want: 14 * time.Second, why: "stalled", class: output.Wedged},
		"packager that stops":          {file: true, pace: 2 * time.Second, gop: time.Second, done: until(20*time.Second, 6e6), want: 26 * time.Second, why: "stalled", class: output.Wedged},
		"packager with uneven GOPs":    {file: true, pace: 2 * time.Second, gop: 3 * time.Second, done: until(20*time.Second, 6e6), want: 28 * time.Second, why: "stalled", class: output.Wedged},
		"file with long GOPs":          {file: true, done: rate(0), gop: 20 * time.Second, want: time.Minute, why: "stalled", class: output.Wedged},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				age := func() time.Duration { return time.Since(begun) }
				dog := output.Watchdog{
					Push: c.push, File: c.file, Pace: c.pace,
					Fed:  func() int64 { return rate(6e6)(age()) },
					Done: func() int64 { return c.done(age()) },
					Age:  func() time.Duration { return 0 },
					GOP:  func() time.Duration { return c.gop },
				}
				if c.queueAge != nil {
					dog.Age = func() time.Duration { return c.queueAge(age()) }
				}
				ctx, cancel := context.WithTimeout(t.Context(), never)
				defer cancel()
				err := dog.Run(ctx)
				if took := age(); took < c.want || took > c.want+time.Second {
					t.Errorf("it took %v, want %v", took, c.want)
				}
				switch {
				case c.why == "" && err != nil:
					t.Errorf("given up: %v", err)
				case c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why) || err.(interface{ Class() string }).Class() != string(c.class)):
					t.Errorf("given up as %v, want %q of class %s", err, c.why, c.class)
				}
			})
		})
	}
}

// What was not fed cannot come out.
func TestWatchdogOfAChildThatIsFedNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nothing := func() int64 { return 0 }
		none := func() time.Duration { return 0 }
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := (output.Watchdog{Push: true, Fed: nothing, Done: nothing, Age: none, GOP: none}).Run(ctx); err != nil {
			t.Errorf("given up: %v", err)
		}
	})
}

// rate is what comes of so many bit/s.
func rate(bits float64) func(time.Duration) int64 {
	return func(age time.Duration) int64 { return int64(age.Seconds() * bits / 8) }
}

// talk is a handshake, and pongs for as long as it lasts.
func talk(age time.Duration) int64 { return 3500 + 20*int64(age/time.Second) }

func until(end time.Duration, bits float64) func(time.Duration) int64 {
	return func(age time.Duration) int64 { return rate(bits)(min(age, end)) }
}

// steps grows once in a while.
func steps(every time.Duration) func(time.Duration) int64 {
	return func(age time.Duration) int64 { return int64(age / every) }
}

func since(start time.Duration) func(time.Duration) time.Duration {
	return func(age time.Duration) time.Duration { return max(age-start, 0) }
}

// ffmpeg's HLS muxer ends in order on a full disk, and says so at most in passing.
func TestPackagerThatEndsAsIfAllWereWell(t *testing.T) {
	t.Parallel()
	media := relaytest.Media(t)
	for tool, words := range map[string]string{"idles": "wrote nothing", "fills": "the disk is full"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			s := open(t, tool).serve()
			s.Apply([]output.Spec{s.spec("hls", hls.Recipe{Dir: t.TempDir(), Segment: time.Second})})
			playInto(t, s.stream, media, "hls").Close()
			s.await("hls", "in trouble", func(o output.Status) bool {
				return o.Failures == 1 && o.Class == output.Disk && strings.Contains(o.Reason, words)
			})
		})
	}
}
