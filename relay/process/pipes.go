package process

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// pipes are our ends of a child's pipes. They never block a thread, so closing one ends a read or write that waits
// on it. The child's ends are ordinary blocking files, and every end is close-on-exec, so no child inherits another's.
type pipes struct {
	stdin    *os.File // nil without a Feed
	stdout   *os.File // nil without an Output
	stderr   *os.File
	progress *os.File
	secrets  []*os.File

	theirs []*os.File // the child's ends: ours to close once it has started
}

// open makes the pipes that s asks for and sets the child's ends in cmd. On error nothing stays open.
func open(s Spec, cmd *exec.Cmd) (*pipes, error) {
	p := &pipes{}
	if err := p.connect(s, cmd); err != nil {
		p.closeTheirs()
		p.closeOurs()
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	if s.PipeSize > 0 && p.stdin != nil {
		p.resizeStdin(s.PipeSize)
	}
	return p, nil
}

func (p *pipes) connect(s Spec, cmd *exec.Cmd) (err error) {
	if s.Feed != nil {
		if cmd.Stdin, err = p.toChild(&p.stdin); err != nil {
			return err
		}
	}
	if s.Output != nil {
		if cmd.Stdout, err = p.fromChild(&p.stdout); err != nil {
			return err
		}
	}
	if cmd.Stderr, err = p.fromChild(&p.stderr); err != nil {
		return err
	}
	cmd.ExtraFiles = make([]*os.File, 1+len(s.Secrets))
	if cmd.ExtraFiles[0], err = p.fromChild(&p.progress); err != nil {
		return err
	}
	p.secrets = make([]*os.File, len(s.Secrets))
	for i := range p.secrets {
		if cmd.ExtraFiles[1+i], err = p.toChild(&p.secrets[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *pipes) toChild(ours **os.File) (theirs *os.File, err error) {
	theirs, *ours, err = os.Pipe()
	if err == nil {
		p.theirs = append(p.theirs, theirs)
	}
	return theirs, err
}

func (p *pipes) fromChild(ours **os.File) (theirs *os.File, err error) {
	*ours, theirs, err = os.Pipe()
	if err == nil {
		p.theirs = append(p.theirs, theirs)
	}
	return theirs, err
}

func (p *pipes) resizeStdin(size int) {
	conn, err := p.stdin.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		_, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, size)
	})
}

func (p *pipes) closeTheirs() {
	for _, f := range p.theirs {
		_ = f.Close()
	}
	p.theirs = nil
}

func (p *pipes) closeStdin() { _ = p.stdin.Close() }

// closeWriters closes what we write to.
func (p *pipes) closeWriters() {
	p.closeStdin()
	for _, f := range p.secrets {
		_ = f.Close()
	}
}

// closeOurs closes every end of ours. Like all these, it may be called again.
func (p *pipes) closeOurs() {
	p.closeWriters()
	_ = p.stdout.Close()
	_ = p.stderr.Close()
	_ = p.progress.Close()
}
