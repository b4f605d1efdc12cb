package ingest

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/restreamd/restreamd/relay"
)

// Cause is why a connection was refused or ended, in a form that can be counted: its code is a metric's label, and
// there are only those that stand in this package.
type Cause struct {
	Code string // of a metric
	text string // for people: what happened, and what to do
}

func (c *Cause) Error() string { return c.text }

// Why a connection ended, besides what it was refused for.
var (
	errGoodbye     = &Cause{"goodbye", "the encoder stopped streaming"}
	errPlayerGone  = &Cause{"goodbye", "the player left"}
	errSessionOver = &Cause{"session_over", "the session is over"}
	errTLSOnPlain  = &Cause{"tls_on_rtmp", "the encoder used rtmps:// on the RTMP port"}
	errPlainOnTLS  = &Cause{"rtmp_on_tls", "the encoder used rtmp:// on the RTMPS port"}
	errTLS         = &Cause{"tls", "the TLS handshake failed: does the encoder trust the certificate, and speak TLS 1.2?"}
	errRTMPE       = &Cause{"rtmpe", "encrypted RTMP (rtmpe://) is not supported: use rtmp://"}
	errNotRTMP     = &Cause{"not_rtmp", "not RTMP"}
	errBudget      = &Cause{"budget", "too much data before a publish"}
	errSlow        = &Cause{"slow", "no publish in time (limits.handshake)"}
	errIdle        = &Cause{"idle", "idle: no audio or video in time (limits.idle)"}
	errDeaf        = &Cause{"deaf", "the peer does not read what it is sent (limits.write)"}
	errCrowded     = &Cause{"crowded", "made room for newer connections before it published"}
)

// codeOf is the code of an end, for counting.
func codeOf(ctx context.Context, err error) string {
	var c *Cause
	var network net.Error
	switch {
	case ctx.Err() != nil, errors.Is(err, relay.ErrClosed):
		return "shutdown"
	case errors.As(err, &c):
		return c.Code
	case errors.Is(err, relay.ErrBusy):
		return "busy"
	case errors.Is(err, relay.ErrReplaced), errors.Is(err, relay.ErrRelieved):
		return "replaced"
	case errors.Is(err, relay.ErrDisconnected):
		return "disconnected"
	case errors.Is(err, errCodec):
		return "codec"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	case errors.As(err, &network):
		return "reset"
	}
	return "protocol"
}

// reason puts an end into words. Errors of the libraries below are not shown where they could quote the peer.
func reason(ctx context.Context, err error) string {
	const most = 200 // bytes: a sentence of ours, and what a library adds to it
	var c *Cause
	var network net.Error
	switch {
	case ctx.Err() != nil:
		return "the relay is stopping"
	case errors.As(err, &c): // before what it was caused by: a failed TLS handshake is a network error too
		return clip(err.Error(), most)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed without a goodbye"
	case errors.As(err, &network):
		return "connection lost: " + network.Error()
	}
	return printable(err.Error())
}
