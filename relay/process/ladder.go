package process

import (
	"context"
	"syscall"
	"time"
)

const (
	// lastWrite is what a Feed has to finish the write it is in: a child that reads is not left with half a tag.
	lastWrite = 200 * time.Millisecond
	// between is the gap between two SIGTERMs: sent at once, the kernel would merge them into one.
	between = 100 * time.Millisecond
)

// climb waits for the child to exit, and sees to it that it does once it should. It reports whether that took signals.
func (c *child) climb(ctx context.Context, endFeed context.CancelFunc) (forced bool) {
	select {
	case <-c.exited:
		return false
	case <-ctx.Done():
	case <-c.fed:
	case <-c.read:
	}
	endFeed()

	grace := c.spec.Grace.withDefaults()
	begun := time.Now()
	if c.exitsBy(begun.Add(min(lastWrite, grace.Term))) {
		return false
	}
	c.pipes.closeStdin()
	if c.exitsBy(begun.Add(grace.Term)) {
		return false
	}
	c.signal(syscall.SIGTERM)
	if c.exitsBy(begun.Add(grace.Term + min(between, grace.Kill))) {
		return true
	}
	c.signal(syscall.SIGTERM) // ffmpeg stalled in a write heeds only the second one
	if c.exitsBy(begun.Add(grace.Term + grace.Kill)) {
		return true
	}
	c.signal(syscall.SIGKILL)
	<-c.exited
	return true
}

func (c *child) exitsBy(deadline time.Time) bool {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-c.exited:
		return true
	case <-timer.C:
		return false
	}
}

// signal reaches the child's whole group. An error means that nobody is left in it.
func (c *child) signal(sig syscall.Signal) {
	_ = syscall.Kill(-c.cmd.Process.Pid, sig)
}
