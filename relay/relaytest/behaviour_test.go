package relaytest_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/message"

	"github.com/restreamd/restreamd/relay/relaytest"
)

// What a client sees of each behaviour; those it had from the beginning are in sink_test.go.

func TestSinkRefusesInAPlatformsWords(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t)
	sink.RefuseWith("NetStream.Publish.Denied", "already publishing")
	_, err := relaytest.Dial(t, sink.URL()+"/key")
	if err == nil || !strings.Contains(err.Error(), "NetStream.Publish.Denied: already publishing") {
		t.Errorf("the client was told %v", err)
	}
	sink.Wait(t, soon, closed)
}

func TestSinkAnswersLate(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]relaytest.SinkOption{"rtmp": nil, "rtmps": {relaytest.TLS()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const late = 700 * time.Millisecond
			sink := relaytest.NewSink(t, opts...)
			sink.AnswerAfter(late)
			publisher := relaytest.Publish(t, sink.URL()+"/key", media(t))
			session := sink.Wait(t, soon, publishing)[0]
			if took := session.FirstMedia.Sub(session.Connected); took < late {
				t.Errorf("media %v after the connection, before the answer", took)
			}
			if code := publisher.Wait(); code != 0 {
				t.Errorf("the publisher did not wait for the answer: exit %d\n%s", code, publisher.Log())
			}
		})
	}
}

func TestSinkThatAnswersLateCloses(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t)
	sink.AnswerAfter(time.Hour)
	dial(t, sink)
	sink.Close()
	if !closed(sink.Sessions()) {
		t.Error("the session is still open")
	}
}

// A platform that throws everything away looks like one that does not.
func TestSinkDiscards(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t)
	sink.Discard()
	publisher := relaytest.Publish(t, sink.URL()+"/unbound", media(t))
	if code := publisher.Wait(); code != 0 {
		t.Errorf("the publisher noticed: exit %d\n%s", code, publisher.Log())
	}
	session := sink.Wait(t, soon, closed)[0]
	if session.Key != "unbound" || !session.Clean || len(session.Tags) != 0 {
		t.Errorf("key %q, clean %t, %d tags", session.Key, session.Clean, len(session.Tags))
	}
}

func TestSinkThrottles(t *testing.T) {
	t.Parallel()
	const rate, size, count = 200_000, 10_000, 40
	sink := relaytest.NewSink(t)
	sink.Throttle(rate)
	encoder, err := relaytest.Dial(t, sink.URL()+"/key")
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if err := encoder.Send(relaytest.KindVideo, uint32(i), make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	tags := sink.Wait(t, soon, func(s []relaytest.Session) bool { return len(s[0].Tags) == count })[0].Tags
	took := tags[count-1].At.Sub(tags[0].At)
	want := time.Duration(count-1) * size * time.Second / rate
	if took < want*9/10 {
		t.Errorf("%d bytes were read in %v, want %v at least", (count-1)*size, took, want)
	}
	half := tags[count/2].At.Sub(tags[0].At)
	if half < want*4/10 {
		t.Errorf("the first half was read in %v of %v: not an even pace", half, took)
	}
}

// A chatting sink lets a client's writes block while there is always something to read.
func TestSinkChatters(t *testing.T) {
	t.Parallel()
	sink := relaytest.NewSink(t)
	target, err := url.Parse(sink.URL() + "/key")
	if err != nil {
		t.Fatal(err)
	}
	client := &gortmplib.Client{URL: target, Publish: true}
	if err := client.Initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	begun := time.Now()
	sink.Chatter()
	if err := flood(client); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the writes did not block: %v", err)
	}
	hear(t, client, 40*pingSize)
	if took := time.Since(begun); took < 1800*time.Millisecond {
		t.Errorf("40 pings in %v, want about 2 s", took)
	}
	if n := len(sink.Sessions()[0].Tags); n > 1 {
		t.Errorf("%d packets were read all the same", n)
	}
	sink.Accept()
	sink.Wait(t, soon, func(s []relaytest.Session) bool { return len(s[0].Tags) > 1 })
}

// pingSize is that of a ping whose chunk header is as in the one before, in bytes.
const pingSize = 7

// flood sends 6 MB of media and gives up after a second without room for more.
func flood(client *gortmplib.Client) error {
	for range 100 {
		if err := client.NetConn().SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		err := client.Write(&message.Audio{
			ChunkStreamID: 4, MessageStreamID: 0x1000000, Codec: message.CodecMPEG4Audio, AACType: message.AudioAACTypeAU,
			AU: make([]byte, 60_000),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hear waits for so many bytes. They are not read as messages, because the library would answer them.
func hear(t *testing.T, client *gortmplib.Client, bytes int64) {
	t.Helper()
	if err := client.NetConn().SetReadDeadline(time.Now().Add(soon / 2)); err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, client.NetConn(), bytes); err != nil {
		t.Errorf("after %d bytes of %d: %v", n, bytes, err)
	}
}

// A client that trusts the sink's authority, as everybody trusts a platform's, still has each of these to refuse.
func TestBadCertificates(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opts []relaytest.SinkOption
		bad  func(error) bool
	}{
		"good":            {[]relaytest.SinkOption{relaytest.TLS()}, func(err error) bool { return err == nil }},
		"expired":         {[]relaytest.SinkOption{relaytest.Expired()}, isExpired},
		"self-signed":     {[]relaytest.SinkOption{relaytest.SelfSigned()}, isA[x509.UnknownAuthorityError]},
		"another's name":  {[]relaytest.SinkOption{relaytest.TLS("live.example.com")}, isA[x509.HostnameError]},
		"options combine": {[]relaytest.SinkOption{relaytest.Expired(), relaytest.TLS("127.0.0.1")}, isExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := relaytest.NewSink(t, tc.opts...)
			if !strings.HasPrefix(sink.URL(), "rtmps://") {
				t.Errorf("URL %s", sink.URL())
			}
			conn, err := tls.Dial("tcp", sink.Addr(), &tls.Config{RootCAs: sink.CertPool()})
			if err == nil {
				conn.Close()
			}
			if !tc.bad(err) {
				t.Errorf("the client saw %v", err)
			}
		})
	}
}

func isExpired(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.Expired
}

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
