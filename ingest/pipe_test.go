package ingest_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
)

// pipeListener accepts one connection, the other end of a pipe: no buffers, and the clock of a bubble.
type pipeListener struct{ net.Conn }

func (l *pipeListener) Accept() (net.Conn, error) {
	if l.Conn == nil {
		return nil, net.ErrClosed
	}
	conn := l.Conn
	l.Conn = nil
	return conn, nil
}

func (l *pipeListener) Close() error   { return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// servePipe serves one connection. ended tells when it and the server are over.
func servePipe(t testing.TB, hub *relay.Hub) (c *client, logs *observer.ObservedLogs, ended <-chan struct{}) {
	core, logs := observer.New(zapcore.DebugLevel)
	s := &ingest.Server{
		Hub: hub, Limits: ingest.DefaultLimits, Log: zap.New(core),
		Auth: ingest.NewKeyring([]ingest.Stream{{Name: "main", App: "live", Keys: []ingest.Key{key("studio", studioKey)}}}),
	}
	near, far := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(t.Context(), &pipeListener{far}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("serve: %v", err)
		}
	}()
	return &client{Conn: near, t: t}, logs, done
}

// A peer that pings and never reads would block our replies, and with them our reads, for ever.
func TestPeerThatReadsNoReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, logs, ended := servePipe(t, relay.NewHub("main"))
		c.handshake().connect("live").publish(studioKey)
		started := time.Now()
		pings(c)
		<-ended
		if took := time.Since(started); took != 5*time.Second {
			t.Errorf("took %v, want the write timeout", took)
		}
		last := logs.All()[logs.Len()-1]
		if got := last.ContextMap()["reason"]; got != "the peer does not read what it is sent (limits.write)" {
			t.Errorf("%s because %v", last.Message, got)
		}
	})
}

// Acknowledgements come as often as asked for, but never more often than every 64 KiB.
func TestAcknowledgements(t *testing.T) {
	for name, tc := range map[string]struct {
		window byte // in the third byte: times 256
		want   int
	}{
		"none":          {0, 0},
		"every 256 B":   {1, 15},
		"every 65280 B": {255, 15},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _, ended := servePipe(t, relay.NewHub("main"))
				c.handshake().connect("live").publish(studioKey)
				acks := make(chan int)
				go func() {
					n := 0
					for {
						m, err := c.r.Read()
						if err != nil {
							acks <- n
							return
						}
						if m.Type == 3 {
							n++
						}
					}
				}()
				c.must(c.send(5, 0, []byte{0, 0, tc.window, 0}))
				for i := range 100 {
					p := frame(i)
					p.Body = append(p.Body, make([]byte, 10_000)...)
					c.write(p)
				}
				c.command("FCUnpublish", float64(4), nil)
				<-ended
				if got := <-acks; got < tc.want-1 || got > tc.want+1 {
					t.Errorf("%d acknowledgements of 1 MB, want %d", got, tc.want)
				}
			})
		})
	}
}
