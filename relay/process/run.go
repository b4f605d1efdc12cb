// Package process runs one child process, once, and is the only place that starts any. It gives the child its pipes,
// keeps its last words, ends it by a ladder that no child can survive, and reports how it ended. It knows nothing of
// what the child is for and restarts nothing; Backoff tells its caller how long to wait before the next one. Sweep
// ends what an earlier run of this program left behind. Linux only.
//
// Run starts these goroutines and waits for all of them: one for the exit, one each for stderr and fd 3, one for each
// callback given, one for each secret.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// leftover is how long whatever a dead child left behind may still write to our pipes.
const leftover = 500 * time.Millisecond

// Run starts the child, and blocks until it is reaped and every goroutine of its own is gone.
//
// The ladder, climbed when ctx is done or when Feed or Output returned, until the child exits:
//
//	end of stdin ── Grace.Term ──▶ SIGTERM, twice ── Grace.Kill ──▶ SIGKILL     (signals go to the child's group)
//
// A child in uninterruptible sleep (a dead network file system) survives even SIGKILL, and Run waits for it.
func Run(ctx context.Context, s Spec) Exit {
	if s.DieWithParent {
		// The kernel's promise hangs on the thread that forks, not on the process.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	if err := ctx.Err(); err != nil {
		return Exit{Code: -1, Asked: true, Err: err}
	}
	c, err := start(s)
	if err != nil {
		return Exit{Code: -1, Err: err}
	}
	return c.see(ctx)
}

// child is a running child and everything around it.
type child struct {
	spec  Spec
	cmd   *exec.Cmd
	pipes *pipes

	exited  chan struct{}  // closed when the child is dead, not yet reaped
	fed     chan struct{}  // closed when Feed returned; nil without one
	read    chan struct{}  // closed when Output returned; nil without one
	readers sync.WaitGroup // end with the pipes they read
	writers sync.WaitGroup // end when told, or when their pipe is closed; and awaitExit

	feedErr, outputErr error
	tail               []string
}

func start(s Spec) (*child, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	cmd := exec.Command(s.Path, s.Args...)
	cmd.Env = append([]string{}, s.Env...) // nil would mean our own environment
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.DieWithParent {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	}
	pipes, err := open(s, cmd)
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		pipes.closeTheirs()
		pipes.closeOurs()
		return nil, err
	}
	pipes.closeTheirs()
	if s.Background {
		giveWay(cmd.Process.Pid)
	}
	return &child{spec: s, cmd: cmd, pipes: pipes, exited: make(chan struct{})}, nil
}

// see keeps the child company from its start to its end.
func (c *child) see(ctx context.Context) Exit {
	exit := Exit{Pid: c.cmd.Process.Pid, Started: time.Now()}
	if c.spec.Started != nil {
		c.spec.Started(exit.Pid)
	}
	feedCtx, endFeed := context.WithCancel(ctx)
	defer endFeed()
	c.serve(feedCtx)

	exit.Forced = c.climb(ctx, endFeed)
	exit.Asked = ctx.Err() != nil
	exit.Ended = time.Now()

	endFeed()
	c.pipes.closeWriters()
	c.writers.Wait()
	c.closeReaders()
	_ = c.cmd.Wait() // its error repeats the state
	exit.record(c.cmd.ProcessState)

	exit.Lines, exit.FeedErr, exit.Err = c.tail, c.feedErr, c.outputErr
	if exit.Err == nil && !errors.Is(exit.FeedErr, syscall.EPIPE) {
		exit.Err = exit.FeedErr
	}
	return exit
}

// serve starts the goroutines that fill and empty the pipes.
func (c *child) serve(feedCtx context.Context) {
	c.writers.Go(c.awaitExit)
	for i, secret := range c.spec.Secrets {
		c.writers.Go(func() {
			_, _ = c.pipes.secrets[i].Write(secret)
			_ = c.pipes.secrets[i].Close()
		})
	}
	if c.spec.Feed != nil {
		c.fed = make(chan struct{})
		c.writers.Go(func() { c.feed(feedCtx) })
	}
	if c.spec.Output != nil {
		c.read = make(chan struct{})
		c.readers.Go(c.output)
	}
	c.readers.Go(c.listen)
	c.readers.Go(c.followProgress)
}

// awaitExit leaves the child unreaped: as long as it is a zombie, neither its number nor its group's can be given to
// a stranger, so no signal of ours can go astray.
func (c *child) awaitExit() {
	defer close(c.exited)
	for {
		err := unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (c *child) feed(ctx context.Context) {
	defer close(c.fed)
	err := c.spec.Feed(ctx, c.pipes.stdin)
	_ = c.pipes.stdin.Close()
	if err = untold(err, ctx.Err() != nil); err != nil {
		c.feedErr = fmt.Errorf("feed stdin: %w", err)
	}
}

func (c *child) output() {
	defer close(c.read)
	err := c.spec.Output(c.pipes.stdout)
	_ = c.pipes.stdout.Close()
	if err != nil && !errors.Is(err, os.ErrClosed) {
		c.outputErr = fmt.Errorf("read stdout: %w", err)
	}
}

// listen keeps the child's last words.
func (c *child) listen() {
	courier := newCourier(c.spec.Line)
	defer courier.close()
	readLines(c.pipes.stderr, func(line string, cut bool) {
		line = presentable(line, cut, c.spec.Redact)
		if len(c.tail) == maxTail {
			copy(c.tail, c.tail[1:])
			c.tail = c.tail[:maxTail-1]
		}
		c.tail = append(c.tail, line)
		courier.post(line)
	})
}

func (c *child) followProgress() {
	courier := newCourier(c.spec.Progress)
	defer courier.close()
	readLines(c.pipes.progress, func(line string, cut bool) {
		if !cut {
			courier.post(line)
		}
	})
}

// closeReaders waits for the readers to reach the end of what a dead child wrote. A grandchild that holds a pipe open
// may do so for a moment only.
func (c *child) closeReaders() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.readers.Wait()
	}()
	timer := time.NewTimer(leftover)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	c.signal(syscall.SIGKILL)
	c.pipes.closeOurs() // a grandchild that left the group still holds its end
	<-done
}
