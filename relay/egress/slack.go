package egress

import (
	"bytes"
	"io"
	"sync"
)

// maxSlack is how far a child may be ahead of its platform, in bytes: the end of a show at 6 Mb/s to a platform that
// is 5 s behind.
const maxSlack = 4 << 20

// slack takes a child's bytes off its hands at once, whether the platform is ready for them or not. ffmpeg closes its
// socket with replies of the platform unread, which is a reset, and a reset throws away what still waits in the
// child's kernel because the platform is slow: the end of the show. What was read is safe.
type slack struct {
	mu    sync.Mutex
	moved sync.Cond // data, ended or done changed
	data  bytes.Buffer
	ended error // why the child has no more
	done  bool  // nobody reads any more
}

func newSlack() *slack {
	s := &slack{}
	s.moved.L = &s.mu
	return s
}

// fill reads the child to its end, or until nobody wants more, and tells took how much it was before anybody gets it.
func (s *slack) fill(child io.Reader, took func(n int)) {
	chunk := make([]byte, 32<<10)
	for more := true; more; {
		n, err := child.Read(chunk)
		took(n)
		more = s.put(chunk[:n], err)
	}
}

func (s *slack) put(b []byte, err error) (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data.Write(b)
	s.ended = err
	s.moved.Broadcast()
	for s.data.Len() >= maxSlack && !s.done {
		s.moved.Wait()
	}
	return err == nil && !s.done
}

// Read waits for something to read. What the child wrote before its end comes before the end.
func (s *slack) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.data.Len() == 0 && s.ended == nil {
		s.moved.Wait()
	}
	if s.data.Len() == 0 {
		return 0, s.ended
	}
	s.moved.Broadcast()
	return s.data.Read(p)
}

// close ends a fill that waits for room.
func (s *slack) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	s.moved.Broadcast()
}
