package upload

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/minio/minio-go/v7"
)

// Class says what has to be put right, and by whom.
type Class string

// The classes of failures.
const (
	Credentials Class = "credentials" // the store does not know the keys
	Denied      Class = "denied"      // it knows them, and they may not
	NoBucket    Class = "no-bucket"
	Region      Class = "region" // the bucket is elsewhere
	NoHost      Class = "no-host"
	Clock       Class = "clock"
	TLS         Class = "tls"
	Refused     Class = "refused" // nobody listens there
	Lost        Class = "lost"    // the connection broke or stood still
	Busy        Class = "busy"    // the store cannot now
	Full        Class = "full"
	File        Class = "file"    // of the file here
	Corrupt     Class = "corrupt" // the store has other bytes
	Other       Class = "other"
)

var (
	errStalled = errors.New("nothing moved")
	errChanged = errors.New("the recording changed while it was uploaded: it is uploaded again")
	errCorrupt = errors.New("what the store has is not the recording: it is uploaded again")
	errGone    = errors.New("the recording is gone")
)

// byCode is what stores call their reasons.
var byCode = map[string]Class{
	"InvalidAccessKeyId": Credentials, "SignatureDoesNotMatch": Credentials, "ExpiredToken": Credentials,
	"InvalidToken": Credentials, "InvalidSecurity": Credentials, "NotSignedUp": Credentials,
	"XAdminUserNotFound": Credentials, // versitygw
	"AccessDenied":       Denied, "AccountProblem": Denied, "AllAccessDisabled": Denied, "MethodNotAllowed": Denied,
	"NoSuchBucket": NoBucket, "InvalidBucketName": NoBucket,
	"PermanentRedirect": Region, "AuthorizationHeaderMalformed": Region, "InvalidRegion": Region,
	"IllegalLocationConstraintException": Region,
	"RequestTimeTooSkewed":               Clock, "RequestExpired": Clock,
	"QuotaExceeded": Full, "EntityTooLarge": Full, "XMinioStorageFull": Full, "XMinioAdminBucketQuotaExceeded": Full,
	"BadDigest": Lost, "XAmzContentSHA256Mismatch": Lost, "IncompleteBody": Lost, "RequestTimeout": Lost, // changed on the way
	"SlowDown": Busy, "ServiceUnavailable": Busy, "InternalError": Busy,
}

// hints tell a person what to do about a class.
var hints = map[Class]string{
	Credentials: "the store does not know these keys: check access_key_file and secret_key_file",
	Denied:      "the keys may not do this: they need to put, get and list the parts of objects in this bucket",
	NoBucket:    "the store has no such bucket: create it, or correct bucket",
	Region:      "the bucket is in another region: set region to its own",
	NoHost:      "there is no such host: correct endpoint, or look whether this machine resolves names",
	Clock:       "the clocks of this machine and of the store differ too much: set this one's, for example by NTP",
	TLS:         "the store does not prove to be who it is: correct endpoint, or install its authority's certificate on this machine",
	Refused:     "nobody listens there: correct endpoint, or start the store",
	Lost:        "the connection to the store broke, or stood still",
	Busy:        "the store cannot take it now",
	Full:        "the store takes no more: make room there",
	Other:       "the store refuses",
}

// classify says of what class an error is, in words for people.
func classify(err error) (Class, string) {
	class, detail := classOf(err)
	hint, ok := hints[class]
	switch {
	case !ok:
		return class, err.Error()
	case detail == "":
		return class, hint
	}
	return class, hint + " (" + detail + ")"
}

func classOf(err error) (class Class, detail string) {
	var said minio.ErrorResponse
	var local *localError
	switch {
	case errors.Is(err, errCorrupt):
		return Corrupt, ""
	case errors.Is(err, errChanged), errors.Is(err, errGone), errors.As(err, &local):
		return File, ""
	case errors.As(err, &said):
		return classOfAnswer(said)
	}
	return classOfConnection(err)
}

func classOfAnswer(said minio.ErrorResponse) (Class, string) {
	detail := said.Code
	if detail == "" || strings.Contains(detail, " ") {
		detail = fmt.Sprintf("%d %s", said.StatusCode, http.StatusText(said.StatusCode))
	}
	if class, known := byCode[said.Code]; known {
		return class, detail
	}
	switch code := said.StatusCode; {
	case code >= 500, code == http.StatusTooManyRequests:
		return Busy, detail
	case code == http.StatusUnauthorized:
		return Credentials, detail
	case code == http.StatusForbidden:
		return Denied, detail
	case code == http.StatusMovedPermanently, code == http.StatusTemporaryRedirect:
		return Region, detail
	case code == http.StatusInsufficientStorage:
		return Full, detail
	}
	if said.Message != "" {
		detail += ": " + said.Message
	}
	return Other, detail
}

func classOfConnection(err error) (Class, string) {
	// The URL around it says nothing that the status does not.
	if around, ok := errors.AsType[*url.Error](err); ok {
		err = around.Err
	}
	detail := err.Error()
	dns, isDNS := errors.AsType[*net.DNSError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	_, isAlert := errors.AsType[tls.AlertError](err)
	_, isVerification := errors.AsType[*tls.CertificateVerificationError](err)
	_, isAuthority := errors.AsType[x509.UnknownAuthorityError](err)
	_, isName := errors.AsType[x509.HostnameError](err)
	switch {
	case isDNS && dns.IsNotFound:
		return NoHost, dns.Name
	case isRecord, isAlert, isVerification, isAuthority, isName, strings.Contains(detail, "HTTP response to HTTPS client"):
		return TLS, detail
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused, ""
	case errors.Is(err, context.DeadlineExceeded):
		return Lost, "no answer in time"
	}
	return Lost, detail
}

// localError is one of the file here.
type localError struct{ err error }

func (e *localError) Error() string { return "read the recording: " + e.err.Error() }

func (e *localError) Unwrap() error { return e.err }

// local marks an error of the file here. A file that is not there is gone.
func local(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errGone
	}
	return &localError{err}
}
