package relaytest

import (
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// stopGrace is how long a child may take to end in good order before it is killed.
const stopGrace = 5 * time.Second

// Publisher is an encoder: a real ffmpeg that publishes a file, packet by packet as it is, in real time.
type Publisher struct {
	child *child
}

type publisherSpec struct {
	input  []string
	output []string
}

// PublisherOption changes how [Publish] publishes.
type PublisherOption func(*publisherSpec)

// Loop publishes the file again and again until the publisher is stopped. Timestamps keep rising.
func Loop() PublisherOption {
	return func(s *publisherSpec) { s.input = append(s.input, "-stream_loop", "-1") }
}

// InputArgs adds ffmpeg options in front of the input, for example "-ss", "2".
func InputArgs(args ...string) PublisherOption {
	return func(s *publisherSpec) { s.input = append(s.input, args...) }
}

// OutputArgs adds ffmpeg options in front of the URL, for example "-c:a", "libmp3lame".
func OutputArgs(args ...string) PublisherOption {
	return func(s *publisherSpec) { s.output = append(s.output, args...) }
}

// Publish starts a publisher that sends file to an rtmp:// or rtmps:// URL with the stream key in it. It is killed
// at the end of the test if it still runs.
func Publish(t testing.TB, url, file string, opts ...PublisherOption) *Publisher {
	t.Helper()
	var spec publisherSpec
	for _, opt := range opts {
		opt(&spec)
	}
	args := append([]string{"-hide_banner", "-nostdin", "-nostats", "-re"}, spec.input...)
	args = append(args, "-i", file, "-c", "copy")
	args = append(args, spec.output...)
	return PublishWith(t, "ffmpeg", append(args, "-f", "flv", url)...)
}

// PublishWith starts another program as the publisher.
func PublishWith(t testing.TB, program string, args ...string) *Publisher {
	t.Helper()
	child, err := startChild(exec.Command(program, args...))
	if err != nil {
		t.Fatalf("start publisher (scripts/install-test-deps.sh installs what tests need): %v", err)
	}
	t.Cleanup(func() { child.kill() })
	return &Publisher{child: child}
}

// Wait returns the exit code once the publisher has ended: 0 when all of the file was sent, -1 when it was killed.
func (p *Publisher) Wait() int { return p.child.wait() }

// Stop ends the broadcast as a person does: the publisher says goodbye (FCUnpublish, deleteStream). One that does
// not manage to within 5 s is killed. It returns the exit code, which ffmpeg sets to 255 after a stop.
func (p *Publisher) Stop() int { return p.child.stop(syscall.SIGINT) }

// Kill ends the publisher at once: the kernel closes its socket, and nobody says goodbye.
func (p *Publisher) Kill() { p.child.kill() }

// Freeze stops the publisher in its tracks with the connection open, as a lost network does.
func (p *Publisher) Freeze() { p.child.signal(syscall.SIGSTOP) }

// Thaw ends a [Publisher.Freeze].
func (p *Publisher) Thaw() { p.child.signal(syscall.SIGCONT) }

// Pid is the process id of ffmpeg.
func (p *Publisher) Pid() int { return p.child.pid() }

// Log is what ffmpeg has written to its standard error so far.
func (p *Publisher) Log() string { return p.child.log.String() }
