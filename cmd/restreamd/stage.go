package main

import (
	"context"
	"fmt"
)

// stage is one long-lived part of the relay while it runs.
type stage struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
}

// stages starts the parts of the relay and stops them one by one, in the order in which the media flows.
type stages struct {
	failed chan error // the first part that ended by itself
}

func newStages() *stages { return &stages{failed: make(chan error, 1)} }

// start runs serve in a goroutine of its own until its stage is stopped. A part that ends before that ends the relay.
func (s *stages) start(name string, serve func(context.Context) error) *stage {
	ctx, cancel := context.WithCancel(context.Background())
	st := &stage{name: name, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(st.done)
		err := serve(ctx)
		if ctx.Err() != nil {
			return
		}
		select {
		case s.failed <- fmt.Errorf("%s ended: %w", name, err):
		default:
		}
	}()
	return st
}

// stop ends parts, one after the other.
func stop(all ...*stage) {
	for _, st := range all {
		st.cancel()
		<-st.done
	}
}
