package ingest_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/restreamd/restreamd/ingest"
	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/relaytest"
	"github.com/restreamd/restreamd/relay/secret"
)

const (
	soon = 10 * time.Second // for what takes milliseconds on an idle machine

	studioKey = "s3cret-studio.key"
	fieldKey  = "s3cret-field.key"
	auxKey    = "s3cret-aux.key"
)

// house is a running server with a hub of two streams, main and aux.
type house struct {
	hub  *relay.Hub
	addr string
	logs *observer.ObservedLogs
	stop func() // ends Serve and waits for it
}

// serve starts a server. At the end of the test it is stopped, and no stream key may stand anywhere in its log.
func serve(t *testing.T, options ...func(*ingest.Server)) *house {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	h := &house{hub: relay.NewHub("main", "aux"), logs: logs}
	s := &ingest.Server{
		Hub: h.hub, Limits: ingest.DefaultLimits, Log: zap.New(core),
		Auth: ingest.NewKeyring([]ingest.Stream{
			{Name: "main", App: "live", Keys: []ingest.Key{key("studio", studioKey), key("field", fieldKey)}, PlayWithKey: true},
			{Name: "aux", App: "live", Keys: []ingest.Key{key("aux", auxKey)}, PlayWithKey: true},
		}),
	}
	limits(func(l *ingest.Limits) { l.PerIP = l.Connections })(s)
	for _, option := range options {
		option(s)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() {
		h.stop()
		h.hub.Close()
		for _, entry := range logs.All() {
			line := fmt.Sprint(entry.Message, entry.ContextMap())
			if strings.Contains(line, "s3cret") {
				t.Errorf("a stream key in the log: %s", line)
			}
		}
	})
	return h
}

func limits(change func(*ingest.Limits)) func(*ingest.Server) {
	return func(s *ingest.Server) {
		before := s.Limits
		s.Limits = func() ingest.Limits {
			l := before()
			change(&l)
			return l
		}
	}
}

func key(name, value string) ingest.Key {
	return ingest.Key{Name: name, Digest: secret.New(value).Digest()}
}

func (h *house) url(path string) string { return "rtmp://" + h.addr + "/" + path }

// logged waits for a line about a peer and returns its fields.
func (h *house) logged(t *testing.T, message, remote string) map[string]any {
	t.Helper()
	var fields map[string]any
	relaytest.Eventually(t, soon, fmt.Sprintf("the log to say %q of %s", message, remote), func() bool {
		for _, entry := range h.logs.FilterMessage(message).All() {
			if f := entry.ContextMap(); remote == "" || strings.HasPrefix(fmt.Sprint(f["remote"]), remote) {
				fields = f
				return true
			}
		}
		return false
	})
	return fields
}

// wantReason waits for a line about a peer whose reason, or error, contains some words.
func (h *house) wantReason(t *testing.T, message, remote, words string) {
	t.Helper()
	fields := h.logged(t, message, remote)
	if got := fmt.Sprint(fields["reason"], fields["error"]); !strings.Contains(got, words) {
		t.Errorf("%s because %q, want %q", message, got, words)
	}
}

// viewer collects what an output of a stream gets.
type viewer struct {
	ended   chan struct{}
	packets []*relay.Packet // read them after wait
}

func (h *house) watch(t *testing.T, stream string) *viewer {
	v := &viewer{ended: make(chan struct{})}
	sub := h.hub.Stream(stream).Subscribe(1 << 30)
	t.Cleanup(sub.Close)
	go func() {
		defer close(v.ended)
		for {
			batch, err := sub.Read(context.Background(), nil)
			if err != nil {
				return
			}
			v.packets = append(v.packets, batch...)
		}
	}()
	t.Cleanup(func() {
		sub.Close()
		<-v.ended
	})
	return v
}

// wait returns what came, once the session is over.
func (v *viewer) wait(t *testing.T) []*relay.Packet {
	t.Helper()
	relaytest.Eventually(t, 2*soon, "the session to end", func() bool {
		select {
		case <-v.ended:
			return true
		default:
			return false
		}
	})
	return v.packets
}

// media is what came but for init packets, as text.
func (v *viewer) media(t *testing.T) []string {
	var all []string
	for _, p := range v.wait(t) {
		if p.Slot == 0 {
			all = append(all, string(p.Body))
		}
	}
	return all
}
