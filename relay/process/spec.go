package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// maxSecret is the capacity of a pipe on Linux, in bytes: a secret that fits needs no reader to be written.
const maxSecret = 64 << 10

// Spec describes one child. Only Path is needed.
//
// What the child finds open:
//
//	0   stdin: what Feed writes, else /dev/null
//	1   stdout: what Output reads, else /dev/null
//	2   stderr: always read; its last lines are in Exit.Lines
//	3   a pipe for progress, always read
//	4…  one pipe for each secret
//
// Each callback has a goroutine of its own for as long as the child lives, and Run waits for it.
type Spec struct {
	// Path of the executable; a bare name is looked up in this process's PATH.
	Path string
	// Args follow the executable's name.
	Args []string
	// Env is the child's whole environment: nothing of this process's own is added.
	Env []string

	// DieWithParent has the kernel kill the child when this process dies, however it dies. Leave it out for children
	// that must finish their files: those see end of stdin instead.
	DieWithParent bool
	// Background has the child give way to everybody else, whatever threads it starts: nice 19 and the lowest of the
	// disk's best-effort classes. Where the kernel refuses that, the child runs as others do.
	Background bool
	// Secrets are given on inherited pipes, the first at /dev/fd/4, so that they stand neither in argv nor in the
	// environment nor on disk. At most 64 KiB each.
	Secrets [][]byte

	// Feed writes stdin, which is closed when it returns. When ctx is done it must return soon; a write that blocks
	// is ended for it.
	Feed func(ctx context.Context, stdin *os.File) error
	// Output reads stdout, which is closed when it returns.
	Output func(stdout io.Reader) error
	// Progress receives each line of fd 3. A callback that is too slow loses lines; it never stops the child.
	Progress func(line string)
	// Line receives each line of stderr, redacted, printable and at most 1 KiB long. It loses lines as Progress does.
	Line func(line string)
	// Redact masks secrets in a line of stderr, before anything else sees it. Default: none.
	Redact func(line string) string
	// Started receives the child's process id. It must not block.
	Started func(pid int)

	// PipeSize is the capacity of stdin's pipe in bytes (F_SETPIPE_SZ). Default: the kernel's, 64 KiB. It is a wish:
	// a kernel that refuses is not an error.
	PipeSize int
	// Grace is how long the child may take to end.
	Grace Grace
}

// Grace is the patience with a child that is to end: after end of stdin it has Term before SIGTERM, then Kill before
// SIGKILL.
type Grace struct {
	Term time.Duration // default 2 s: a healthy ffmpeg writes its trailer in 0.1 s
	Kill time.Duration // default 3 s
}

func (g Grace) withDefaults() Grace {
	if g.Term <= 0 {
		g.Term = 2 * time.Second
	}
	if g.Kill <= 0 {
		g.Kill = 3 * time.Second
	}
	return g
}

func (s Spec) validate() error {
	if s.Path == "" {
		return errors.New("no executable given")
	}
	for i, secret := range s.Secrets {
		if len(secret) > maxSecret {
			return fmt.Errorf("secret %d has %d bytes, at most %d fit", i, len(secret), maxSecret)
		}
	}
	return nil
}
