package egress

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// markEvery is how finely the age of what waits is known.
	markEvery = 100 * time.Millisecond
	// maxMarks bounds the memory for it: finely for the last 100 s, which is far past where a platform is given up.
	maxMarks = 1024
)

// meter keeps the books of one link: what came from the child and when, and what became of it.
type meter struct {
	raw  syscall.RawConn // the platform's socket
	wire *wire           // what TLS writes; nil: plain

	mu    sync.Mutex
	taken int64 // bytes read from the child
	sent  int64 // bytes written towards the platform
	// beside is what the platform acknowledges and no child wrote: the SYN, which counts as a byte, and TLS's own. It
	// is counted as if all of that were acknowledged already, so that Acked is a little too low rather than too high.
	beside      int64
	retransmits int64  // before there was a child
	marks       []mark // of what waits, oldest first
	rate        window
	last        Delivery
}

// mark says when a run of bytes began to come.
type mark struct {
	since time.Time
	end   int64 // of the run, as an offset in what the child wrote
}

// newMeter takes a connection on which nothing has been sent yet.
func newMeter(tcp *net.TCPConn) (*meter, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	m := &meter{raw: raw}
	info, err := m.info()
	m.beside = int64(info.Bytes_acked)
	return m, err
}

// under is the connection for TLS to write to.
func (m *meter) under(conn net.Conn) net.Conn {
	m.wire = &wire{Conn: conn}
	return m.wire
}

// begin says that the child is there.
func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.wire != nil {
		m.beside += m.wire.written.Swap(0)
	}
	info, _ := m.info() // which has failed if the link is closed already, and then nothing is retransmitted
	m.retransmits = int64(info.Total_retrans)
	m.last.Begun = true
	m.rate.read(time.Now(), 0)
}

// take says that the child has written n bytes.
func (m *meter) take(n int) {
	if n == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.taken += int64(n)
	last := len(m.marks) - 1
	if last+1 == maxMarks {
		m.measure(now)
		last = len(m.marks) - 1
	}
	if last >= 0 && (now.Sub(m.marks[last].since) < markEvery || last+1 == maxMarks) {
		m.marks[last].end = m.taken
		return
	}
	m.marks = append(m.marks, mark{since: now, end: m.taken})
}

// send says that n bytes of the child's have been written.
func (m *meter) send(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent += int64(n)
	if m.wire != nil {
		m.beside += m.wire.written.Swap(0) - int64(n)
	}
}

func (m *meter) delivery() Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.Begun {
		m.measure(time.Now())
	}
	return m.last
}

// measure makes the newest delivery. When the socket is closed the last one stands.
func (m *meter) measure(now time.Time) {
	info, err := m.info()
	if err != nil {
		return
	}
	d := &m.last
	d.Acked = max(d.Acked, min(int64(info.Bytes_acked)-m.beside, m.taken)) // the end of TCP and of TLS counts too
	d.Sent = max(m.sent, d.Acked)                                          // a write may be half done
	d.Queued = m.taken - d.Acked
	d.QueueAge = m.age(now, d.Acked)
	d.Bitrate = m.rate.read(now, d.Acked)
	d.RTT = time.Duration(info.Rtt) * time.Microsecond
	d.Retransmits = int64(info.Total_retrans) - m.retransmits
}

// age is how long the first byte after acked has waited.
func (m *meter) age(now time.Time, acked int64) time.Duration {
	waiting := slices.IndexFunc(m.marks, func(k mark) bool { return k.end > acked })
	if waiting < 0 {
		m.marks = m.marks[:0]
		return 0
	}
	m.marks = slices.Delete(m.marks, 0, waiting)
	return now.Sub(m.marks[0].since)
}

func (m *meter) info() (unix.TCPInfo, error) {
	var info unix.TCPInfo
	var failed error
	err := m.raw.Control(func(fd uintptr) {
		i, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if failed = err; err == nil {
			info = *i
		}
	})
	if err == nil {
		err = failed
	}
	return info, err
}

// wire counts what TLS writes.
type wire struct {
	net.Conn
	written atomic.Int64 // since somebody asked
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.written.Add(int64(n))
	return n, err
}
