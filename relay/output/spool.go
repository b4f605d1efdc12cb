package output

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/restreamd/restreamd/relay"
)

const (
	// maxHeld is how many bytes of media a spool holds in memory before it writes them to disk.
	maxHeld = 64 << 20
	// maxSpooled is how many it holds on disk: an hour and a half of 6 Mb/s. Beyond, the subscription holds what it can, and
	// then loses GOPs, counted.
	maxSpooled = 4 << 30
	// spareDisk is what it leaves free there.
	spareDisk = 1 << 30
	// fullAgain is when a disk is tried again that takes no more.
	fullAgain = time.Second
)

// spool is a queue behind a subscription, for an output whose child is dead or slow and that may lose nothing:
//
//	subscription ──▶ file, once there is one, until it is empty ──▶ memory ──▶ Read
//
// Its file has no name: it goes with the relay. Run is one goroutine's and Read another's; the lock is held while the disk
// is waited for, which stops neither publisher nor other outputs, nor whoever asks how much is held.
type spool struct {
	sub *relay.Subscription
	dir string

	wake   chan struct{}
	memory atomic.Int64 // bytes of bodies in queue
	disk   atomic.Int64 // bytes in file that have yet to be read

	mu    sync.Mutex
	queue []*relay.Packet // to be read first
	file  *spoolFile      // what comes next; nil: nothing
	err   error           // why there is no more behind that
}

func newSpool(sub *relay.Subscription, dir string) *spool {
	return &spool{sub: sub, dir: dir, wake: make(chan struct{}, 1)}
}

// run takes what the subscription has until it ends or ctx is over.
func (s *spool) run(ctx context.Context) {
	var packets []*relay.Packet
	for {
		var err error
		if packets, err = s.sub.Read(ctx, packets); err != nil {
			s.end(err)
			return
		}
		for rest := s.put(packets); len(rest) > 0; rest = s.put(rest) { // the subscription holds what follows
			select {
			case <-time.After(fullAgain):
			case <-ctx.Done():
				s.end(context.Cause(ctx))
				return
			}
		}
	}
}

func (s *spool) end(err error) {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
	s.signal()
}

func (s *spool) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// put takes packets and returns those for which there is no room.
func (s *spool) put(packets []*relay.Packet) (rest []*relay.Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.signal()
	defer s.count()
	for len(packets) > 0 && s.file == nil && s.memory.Load() < maxHeld {
		s.queue = append(s.queue, packets[0])
		s.memory.Add(int64(len(packets[0].Body)))
		packets = packets[1:]
	}
	if len(packets) == 0 {
		return nil
	}
	if s.file == nil {
		f, err := newSpoolFile(s.dir)
		if err != nil {
			return packets
		}
		s.file = f
	}
	return s.file.put(packets)
}

// Read is as that of a subscription.
func (s *spool) Read(ctx context.Context, buf []*relay.Packet) ([]*relay.Packet, error) {
	for {
		if packets, err := s.take(buf); len(packets) > 0 || err != nil {
			return packets, err
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// take returns what is there, and why nothing more will come once there is nothing.
func (s *spool) take(buf []*relay.Packet) ([]*relay.Packet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.count()
	clear(buf)
	switch {
	case len(s.queue) > 0:
		out := s.queue
		s.queue = buf[:0]
		s.memory.Store(0)
		return out, nil
	case s.file != nil:
		out, err := s.file.take(buf[:0])
		if s.file.empty() || err != nil {
			s.file.close()
			s.file = nil
		}
		return out, err
	}
	return nil, s.err
}

// count is called with the lock held.
func (s *spool) count() {
	var disk int64
	if s.file != nil {
		disk = s.file.wrote - s.file.read
	}
	s.disk.Store(disk)
}

// held is how many bytes wait, in memory and on disk. It waits for nobody.
func (s *spool) held() (memory, disk int64) { return s.memory.Load(), s.disk.Load() }

// close forgets what is held. Run has returned.
func (s *spool) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = nil
	s.memory.Store(0)
	if s.file != nil {
		s.file.close()
		s.file = nil
	}
	s.count()
}

// free is how many bytes a folder's disk has left for us.
func free(dir *os.File) (int64, error) {
	var disk unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &disk); err != nil {
		return 0, fmt.Errorf("look at disk: %w", err)
	}
	return int64(disk.Bavail) * disk.Bsize, nil
}
