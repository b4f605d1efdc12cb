package output

import (
	"context"
	"time"
)

// Watchdog lets tests run a watchdog by itself, in time of their own.
type Watchdog struct {
	Fed, Done  func() int64
	Age, GOP   func() time.Duration
	Push, File bool
	Pace       time.Duration
}

// Run returns why the child must go.
func (w Watchdog) Run(ctx context.Context) error {
	return watchdog{
		fed: w.Fed, done: w.Done, age: w.Age, gop: w.GOP, push: w.Push, file: w.File, pace: w.Pace, start: w.Done(),
		see: func(int64, bool) {},
	}.run(ctx)
}
