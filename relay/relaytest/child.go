package relaytest

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// child is a process with one waiter, whose exit code and standard error are kept.
type child struct {
	cmd    *exec.Cmd
	log    *output
	exited chan struct{} // closed once the process is reaped
}

// startChild lets the child die with this process, so that a test binary that is killed leaves nobody behind.
func startChild(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd, log: &output{}, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = c.log, c.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	// A grandchild that inherited the pipe must not keep Wait from returning.
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.exited)
		// Only the exit code matters, and ProcessState keeps it.
		_ = cmd.Wait()
	}()
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

func (c *child) wait() int {
	<-c.exited
	return c.cmd.ProcessState.ExitCode()
}

func (c *child) waitFor(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.exited:
		return true
	case <-timer.C:
		return false
	}
}

func (c *child) signal(sig os.Signal) {
	// It fails only for a process that has ended, and then there is nothing to signal.
	_ = c.cmd.Process.Signal(sig)
}

func (c *child) stop(sig os.Signal) int {
	c.signal(sig)
	if !c.waitFor(stopGrace) {
		c.signal(syscall.SIGKILL)
	}
	return c.wait()
}

func (c *child) kill() {
	c.signal(syscall.SIGKILL)
	c.wait()
}

// output collects what a process prints; it may be read while the process still writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
