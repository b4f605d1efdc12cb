package relaytest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// StoreWay is the way to a [Store]: TCP that can be counted and disturbed.
//
//	Received                 bytes that got through to the store so far
//	ResetAfter, CorruptAfter once, when so many more bytes have got through
//	StallAfter, Resume       bytes wait on their way from there on, in connections that stay open
//	LoseCompletion           once, the answer to the request that completes an upload
//	Busy, Ready              every request is answered with 503
//	Refuse, Accept           nobody listens: connection refused
type StoreWay struct {
	Endpoint string // URL

	to, addr string
	gate     *gate
	received atomic.Int64
	wg       sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while refused
	conns    map[net.Conn]struct{}
	busy     bool
	fault    fault
	at       int64 // of received, for the fault
}

// fault is what happens once.
type fault int

const (
	noFault fault = iota
	reset
	corrupt
	stall
	lose
)

func newStoreWay(t testing.TB, socket string) *StoreWay {
	t.Helper()
	w := &StoreWay{to: socket, addr: "127.0.0.1:0", gate: newGate(), conns: map[net.Conn]struct{}{}}
	w.Accept(t)
	w.Endpoint = "http://" + w.addr
	t.Cleanup(func() {
		w.Refuse()
		w.wg.Wait()
	})
	return w
}

// Accept listens again after Refuse.
func (w *StoreWay) Accept(t testing.TB) {
	t.Helper()
	ln, err := net.Listen("tcp", w.addr)
	if err != nil {
		t.Fatalf("listen for the store: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listener, w.addr = ln, ln.Addr().String()
	w.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			w.wg.Go(func() { w.carry(conn) })
		}
	})
}

// Refuse ends all connections and takes no more.
func (w *StoreWay) Refuse() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.listener != nil {
		_ = w.listener.Close()
	}
	w.listener = nil
	for conn := range w.conns {
		_ = conn.Close()
	}
}

// Received is how many bytes got through to the store, headers included.
func (w *StoreWay) Received() int64 { return w.received.Load() }

// StallAfter holds up everything behind the byte that is so many away.
func (w *StoreWay) StallAfter(bytes int64) { w.plan(stall, bytes) }

// Resume ends what StallAfter began.
func (w *StoreWay) Resume() { w.gate.open() }

// Busy answers every new request with 503, and Ready none.
func (w *StoreWay) Busy() { w.setBusy(true) }

// Ready ends Busy.
func (w *StoreWay) Ready() { w.setBusy(false) }

func (w *StoreWay) setBusy(busy bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = busy
}

// ResetAfter resets the connection in which the byte arrives that is so many away.
func (w *StoreWay) ResetAfter(bytes int64) { w.plan(reset, bytes) }

// CorruptAfter changes the byte that is so many away.
func (w *StoreWay) CorruptAfter(bytes int64) { w.plan(corrupt, bytes) }

func (w *StoreWay) plan(f fault, after int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault, w.at = f, w.received.Load()+after
}

// LoseCompletion loses the answer to the next request that completes an upload.
func (w *StoreWay) LoseCompletion() { w.plan(lose, 0) }

// due returns the fault that comes with the next bytes.
func (w *StoreWay) due(next []byte) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault == noFault || w.received.Load()+int64(len(next)) < w.at {
		return noFault
	}
	if completes := bytes.HasPrefix(next, []byte("POST ")) && bytes.Contains(next, []byte("?uploadId=")); w.fault == lose && !completes {
		return noFault
	}
	f := w.fault
	w.fault = noFault
	return f
}

func (w *StoreWay) isBusy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy
}

func (w *StoreWay) track(conn net.Conn, open bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !open {
		delete(w.conns, conn)
		_ = conn.Close()
		return
	}
	w.conns[conn] = struct{}{}
	if w.listener == nil { // refused meanwhile
		_ = conn.Close()
	}
}

// carry takes one connection there and back.
func (w *StoreWay) carry(conn net.Conn) {
	w.track(conn, true)
	defer w.track(conn, false)
	if w.isBusy() {
		sayBusy(conn)
		return
	}
	store, err := net.Dial("unix", w.to)
	if err != nil {
		return
	}
	w.track(store, true)
	defer w.track(store, false)
	gone := make(chan struct{})
	var lost atomic.Bool
	var back sync.WaitGroup
	back.Go(func() {
		defer close(gone)
		buf := make([]byte, 32<<10)
		for {
			n, err := store.Read(buf)
			if err != nil || lost.Load() {
				break
			}
			if _, err := conn.Write(buf[:n]); err != nil {
				break
			}
		}
		_ = conn.Close()
	})
	w.forward(conn, store, gone, &lost)
	back.Wait()
}

func (w *StoreWay) forward(conn, store net.Conn, gone <-chan struct{}, lost *atomic.Bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := conn.Read(buf)
		if !w.gate.pass(gone) {
			return
		}
		if n > 0 {
			switch w.due(buf[:n]) {
			case reset:
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close()
				_ = store.Close()
				return
			case corrupt:
				buf[n-1] ^= 1
			case stall:
				w.gate.shut()
			case lose:
				lost.Store(true)
			}
			if _, err := store.Write(buf[:n]); err != nil {
				return
			}
			w.received.Add(int64(n))
		}
		if err != nil {
			_ = store.Close()
			return
		}
	}
}

// sayBusy reads the head of a request, so that the answer is not lost to a reset, and answers.
func sayBusy(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	var head []byte
	buf := make([]byte, 4<<10)
	for !bytes.Contains(head, []byte("\r\n\r\n")) {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		head = append(head, buf[:n]...)
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
