package ingest

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bluenviron/gortmplib/pkg/amf0"
)

var (
	errAMFShort = errors.New("AMF ends in the middle of a value")
	errAMFDepth = fmt.Errorf("AMF nested deeper than %d", maxAMFDepth)
	errAMFSize  = fmt.Errorf("AMF larger than %d bytes", maxAMFBytes)
)

// AMF 0 markers (AMF 0 section 2.1).
const (
	amfNumber      = 0
	amfBoolean     = 1
	amfString      = 2
	amfObject      = 3
	amfNull        = 5
	amfUndefined   = 6
	amfReference   = 7
	amfECMAArray   = 8
	amfStrictArray = 10
	amfDate        = 11
	amfLongString  = 12
	amfUnsupported = 13
	amfXML         = 15
	amfTyped       = 16
)

// decodeAMF decodes a body of AMF 0 values. gortmplib's decoder recurses without limit (one body of nested objects
// overflows the stack, which nothing can recover), so depth and size are checked first.
func decodeAMF(body []byte) (amf0.Data, error) {
	if err := checkAMF(body); err != nil {
		return nil, err
	}
	data, err := amf0.Unmarshal(body)
	if err != nil {
		return nil, fmt.Errorf("decode AMF: %w", err)
	}
	return data, nil
}

func checkAMF(b []byte) error {
	if len(b) > maxAMFBytes {
		return errAMFSize
	}
	var err error
	for len(b) > 0 && err == nil {
		b, err = skipAMF(b, 1)
	}
	return err
}

// skipAMF returns what follows the first value.
func skipAMF(b []byte, depth int) ([]byte, error) {
	if depth > maxAMFDepth {
		return nil, errAMFDepth
	}
	if len(b) == 0 {
		return nil, errAMFShort
	}
	marker, b := b[0], b[1:]
	switch marker {
	case amfNumber:
		return cutAMF(b, 8)
	case amfBoolean:
		return cutAMF(b, 1)
	case amfReference:
		return cutAMF(b, 2)
	case amfDate:
		return cutAMF(b, 10)
	case amfNull, amfUndefined, amfUnsupported:
		return b, nil
	case amfString:
		return skipString(b, 2)
	case amfLongString, amfXML:
		return skipString(b, 4)
	case amfTyped:
		b, err := skipString(b, 2)
		if err != nil {
			return nil, err
		}
		return skipProperties(b, depth)
	case amfObject:
		return skipProperties(b, depth)
	case amfECMAArray:
		b, err := cutAMF(b, 4)
		if err != nil {
			return nil, err
		}
		return skipProperties(b, depth)
	case amfStrictArray:
		return skipArray(b, depth)
	}
	return nil, fmt.Errorf("unknown AMF marker 0x%02x", marker)
}

// skipProperties passes over name and value pairs up to the object's end, an empty name and marker 9.
func skipProperties(b []byte, depth int) ([]byte, error) {
	for {
		if len(b) < 2 {
			return nil, errAMFShort
		}
		empty := b[0] == 0 && b[1] == 0
		rest, err := skipString(b, 2)
		if err != nil {
			return nil, err
		}
		if empty {
			return cutAMF(rest, 1)
		}
		if b, err = skipAMF(rest, depth+1); err != nil {
			return nil, err
		}
	}
}

func skipArray(b []byte, depth int) ([]byte, error) {
	if len(b) < 4 {
		return nil, errAMFShort
	}
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	var err error
	for ; n > 0; n-- {
		if b, err = skipAMF(b, depth+1); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// skipString passes over a string whose length has size bytes, 2 or 4.
func skipString(b []byte, size int) ([]byte, error) {
	if len(b) < size {
		return nil, errAMFShort
	}
	n := int(binary.BigEndian.Uint16(b))
	if size == 4 {
		n = int(binary.BigEndian.Uint32(b))
	}
	return cutAMF(b[size:], n)
}

func cutAMF(b []byte, n int) ([]byte, error) {
	if n < 0 || n > len(b) {
		return nil, errAMFShort
	}
	return b[n:], nil
}
