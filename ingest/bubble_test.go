package ingest_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
)

// bubble is a server inside a bubble of synctest, which peers reach by pipes: hours pass in no time.
type bubble struct {
	t    *testing.T
	hub  *relay.Hub
	logs *observer.ObservedLogs
	door chan net.Conn
	ctx  context.Context
}

func inBubble(t *testing.T, test func(*bubble), options ...func(*ingest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.DebugLevel)
		ctx, stop := context.WithCancel(t.Context())
		b := &bubble{t: t, hub: relay.NewHub("main", "aux"), logs: logs, door: make(chan net.Conn), ctx: ctx}
		s := &ingest.Server{
			Hub: b.hub, Limits: ingest.DefaultLimits, Log: zap.New(core),
			Auth: ingest.NewKeyring([]ingest.Stream{
				{Name: "main", App: "live", Keys: []ingest.Key{key("studio", studioKey)}, PlayWithKey: true},
			}),
		}
		for _, option := range options {
			option(s)
		}
		ended := make(chan error)
		go func() { ended <- s.Serve(ctx, b) }()
		defer func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("serve: %v", err)
			}
		}()
		test(b)
	})
}

func (b *bubble) Accept() (net.Conn, error) {
	select {
	case conn := <-b.door:
		return conn, nil
	case <-b.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (b *bubble) Close() error   { return nil }
func (b *bubble) Addr() net.Addr { return &net.TCPAddr{} }

func (b *bubble) dial() *client {
	near, far := net.Pipe()
	b.door <- far
	return &client{Conn: near, t: b.t}
}

// last is the newest line of the log, once everything has come to rest.
func (b *bubble) last() (message string, fields map[string]any) {
	synctest.Wait()
	all := b.logs.All()
	return all[len(all)-1].Message, all[len(all)-1].ContextMap()
}
