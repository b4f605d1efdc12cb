package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"unicode"
)

// Class is what kind of failure a platform's side had: what a caller's back-off and a user's next step depend on.
type Class string

// Classes, in the order in which a connection meets them.
const (
	ClassDNS         Class = "dns"         // the name could not be looked up
	ClassRefused     Class = "refused"     // nothing listens there
	ClassUnreachable Class = "unreachable" // no way leads there
	ClassTimeout     Class = "timeout"     // no answer
	ClassLoop        Class = "loop"        // Gate.Refuse knows it for one of ours
	ClassTLS         Class = "tls"         // no TLS, or a certificate that is not to be trusted
	ClassClosed      Class = "closed"      // it hung up
)

// ErrClosedByPlatform is why a link ended when the platform closed it while the child was still publishing.
var ErrClosedByPlatform = errors.New("the platform closed the connection")

// Error is a failure of the platform's side. Its text is for people and says what to do.
type Error struct {
	class   Class
	doing   string
	address string
	hint    string // "": Err says it all
	err     error
}

// Class is one of the classes above, as a string, so that callers need not import this package to ask for it.
func (e *Error) Class() string { return string(e.class) }

func (e *Error) Unwrap() error { return e.err }

// Error is one line whatever a platform has put into its certificate.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s %s: %v", e.doing, e.address, e.err)
	if e.hint != "" {
		s = fmt.Sprintf("%s %s: %s: %v", e.doing, e.address, e.hint, e.err)
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// classify tells the class of an error by its cause, or else the one that fits what was being done.
func classify(err error, otherwise Class) Class {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return ClassDNS
	case errors.Is(err, syscall.ECONNREFUSED):
		return ClassRefused
	case isAny(err, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN):
		return ClassUnreachable
	case errors.As(err, &timeout) && timeout.Timeout():
		return ClassTimeout
	case ofTLS(err):
		return ClassTLS
	case isAny(err, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE):
		return ClassClosed
	}
	return otherwise
}

// ofTLS reports whether TLS itself has failed. crypto/tls has no other mark for alerts than the operation.
func ofTLS(err error) bool {
	var op *net.OpError
	var record tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	return errors.As(err, &record) || errors.As(err, &cert) ||
		errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// failed explains why a platform could not be opened. That the caller no longer wants it is no failure of the
// platform's.
func (g *Gate) failed(ctx context.Context, doing string, err error, otherwise Class) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s %s: %w", doing, g.Address, context.Cause(ctx))
	}
	class := classify(err, otherwise)
	return &Error{class: class, doing: doing, address: g.Address, hint: g.hint(class, err), err: err}
}

func (g *Gate) hint(class Class, err error) string {
	var dns *net.DNSError
	switch class {
	case ClassDNS:
		if errors.As(err, &dns) && dns.IsNotFound {
			return "the host does not exist: check the URL"
		}
		return "the name could not be looked up: check the network and DNS"
	case ClassRefused:
		return "nothing listens there: check host and port"
	case ClassUnreachable:
		return "no route leads there: check the network"
	case ClassTimeout:
		return fmt.Sprintf("no answer in %s: check the network, a firewall may be in between", g.timeout())
	case ClassTLS:
		return tlsHint(err)
	case ClassClosed:
		return "it hung up: is it the right port?"
	case ClassLoop:
		return "it leads back to this relay: check the URL"
	}
	return ""
}

// innermost is what the kernel said, without the operations and addresses around it, which are those of loopback.
func innermost(err error) error {
	var op *net.OpError
	for errors.As(err, &op) {
		err = op.Err
	}
	return err
}

// lost explains why a link that carried a child ended; nil: the platform closed it in order.
func lost(address string, why error) error {
	e := &Error{class: classify(why, ClassClosed), doing: "publish to", address: address, err: why}
	switch e.class {
	case ClassClosed:
		e.err = ErrClosedByPlatform
		if why != nil {
			e.err = fmt.Errorf("%w: %w", ErrClosedByPlatform, innermost(why))
		}
	case ClassTimeout:
		e.hint = "it no longer answers: check the network"
	case ClassRefused, ClassUnreachable:
		e.hint = "no way leads there any more: check the network"
	case ClassTLS:
		e.hint = "TLS failed in mid-stream"
	}
	return e
}
