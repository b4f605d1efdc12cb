package upload

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// completeWithin is how long a store may take to put parts together: of 10 000 it is minutes with some.
const completeWithin = 10 * time.Minute

// store is a connection to a target, for one try. Each request is made once: whoever tries again is the Uploader.
type store struct {
	core      *minio.Core
	transport *http.Transport
	bucket    string
	pace      *pace
	stall     time.Duration // for an answer, and without a byte
}

func open(t Target, stall time.Duration) (*store, error) {
	at, err := url.Parse(t.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	secure := at.Scheme == "https"
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	transport.ResponseHeaderTimeout = completeWithin // the watch and deadlines are sooner
	core, err := minio.NewCore(at.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(t.AccessKey.Reveal(), t.SecretKey.Reveal(), ""),
		Secure: secure, Region: t.Region, Transport: transport, MaxRetries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &store{core: core, transport: transport, bucket: t.Bucket, pace: newPace(t.Rate), stall: stall}, nil
}

func (s *store) close() { s.transport.CloseIdleConnections() }

// begin begins an upload, and ends those of the same object that were begun and never ended: nobody goes on with them,
// and stores take money for what they hold.
func (s *store) begin(ctx context.Context, object, mime string) (id string, err error) {
	if err := s.sweep(ctx, object); err != nil {
		return "", fmt.Errorf("begin upload: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.stall)
	defer cancel()
	id, err = s.core.NewMultipartUpload(ctx, s.bucket, object, minio.PutObjectOptions{ContentType: mime})
	if err != nil {
		return "", fmt.Errorf("begin upload: %w", err)
	}
	return id, nil
}

// sweep is not what an upload depends on: the keys may lack the right to list, and not every store can.
func (s *store) sweep(ctx context.Context, object string) error {
	ctx, cancel := context.WithTimeout(ctx, s.stall)
	defer cancel()
	all, err := s.core.ListMultipartUploads(ctx, s.bucket, object, "", "", "", 1000)
	if _, answered := errors.AsType[minio.ErrorResponse](err); err != nil && !answered {
		return err
	}
	for _, u := range all.Uploads {
		if u.Key == object {
			s.abort(ctx, object, u.UploadID)
		}
	}
	return nil
}

func (s *store) abort(ctx context.Context, object, id string) {
	ctx, cancel := context.WithTimeout(ctx, s.stall)
	defer cancel()
	_ = s.core.AbortMultipartUpload(ctx, s.bucket, object, id) // what is left of it, sweep finds
}

// parts lists what the store has of an upload, by number from 1. ErrNoUpload: it knows of none.
func (s *store) parts(ctx context.Context, object, id string) (map[int]minio.ObjectPart, error) {
	all := map[int]minio.ObjectPart{}
	for marker := 0; ; {
		page, err := s.partsFrom(ctx, object, id, marker)
		if said, ok := errors.AsType[minio.ErrorResponse](err); ok && said.Code == "NoSuchUpload" {
			return nil, errNoUpload
		}
		if err != nil {
			return nil, fmt.Errorf("list parts: %w", err)
		}
		for _, part := range page.ObjectParts {
			all[part.PartNumber] = part
		}
		if !page.IsTruncated || page.NextPartNumberMarker <= marker {
			return all, nil
		}
		marker = page.NextPartNumberMarker
	}
}

var errNoUpload = errors.New("the store does not know the upload")

func (s *store) partsFrom(ctx context.Context, object, id string, marker int) (minio.ListObjectPartsResult, error) {
	ctx, cancel := context.WithTimeout(ctx, s.stall)
	defer cancel()
	return s.core.ListObjectParts(ctx, s.bucket, object, id, marker, 1000)
}

// put sends a part, counted from 1, with both of its digests. The store says no if other bytes arrive.
func (s *store) put(ctx context.Context, object, id string, number int, content io.Reader, d digests, moved func(int)) (etag string, err error) {
	ctx, watch, stop := watched(ctx, s.stall)
	defer stop()
	part, err := s.core.PutObjectPart(ctx, s.bucket, object, id, number,
		&body{content, ctx, s.pace, watch, moved}, d.size,
		minio.PutObjectPartOptions{Md5Base64: d.base64(), Sha256Hex: d.sha256, DisableContentSha256: true})
	if err != nil {
		return "", fmt.Errorf("send part %d: %w", number, because(ctx, err))
	}
	return part.ETag, nil
}

// because returns the cause for which a request was ended, or the error it met.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
		return cause
	}
	return err
}

func (s *store) complete(ctx context.Context, object, id string, etags []string) error {
	parts := make([]minio.CompletePart, len(etags))
	for i, tag := range etags {
		parts[i] = minio.CompletePart{PartNumber: i + 1, ETag: tag}
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	if _, err := s.core.CompleteMultipartUpload(ctx, s.bucket, object, id, parts, minio.PutObjectOptions{}); err != nil {
		return fmt.Errorf("complete upload: %w", err)
	}
	return nil
}

// holds reports whether an object is made of parts with these digests. First by what the store says of it; where its
// digest is of another kind, by reading all of it back.
func (s *store) holds(ctx context.Context, p *progress, moved func(int)) error {
	asking, cancel := context.WithTimeout(ctx, s.stall)
	defer cancel()
	info, err := s.core.StatObject(asking, s.bucket, p.Place.Object, minio.StatObjectOptions{})
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if info.Size != p.File.Size {
		return fmt.Errorf("verify: %w (%d bytes, not %d)", errCorrupt, info.Size, p.File.Size)
	}
	if strings.EqualFold(info.ETag, etagOf(p.MD5)) {
		return nil
	}
	return s.readBack(ctx, p, moved)
}

func (s *store) readBack(ctx context.Context, p *progress, moved func(int)) error {
	ctx, watch, stop := watched(ctx, s.stall)
	defer stop()
	answer, _, _, err := s.core.GetObject(ctx, s.bucket, p.Place.Object, minio.GetObjectOptions{})
	if err != nil {
		return fmt.Errorf("read back: %w", because(ctx, err))
	}
	defer answer.Close() //nolint:errcheck // read to its end
	content := &body{answer, ctx, s.pace, watch, moved}
	for i, want := range p.MD5 {
		_, length := p.span(i)
		h := md5.New()
		if _, err := io.CopyN(h, content, length); err != nil {
			return fmt.Errorf("read back: %w", because(ctx, err))
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			return fmt.Errorf("read back: %w (part %d differs)", errCorrupt, i+1)
		}
	}
	return nil
}
