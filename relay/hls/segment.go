package hls

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// stamp names a session's folder and begins the names of its segments.
	stamp = "20060102T150405Z"

	playlist  = "index.m3u8"  // the live media playlist of a session
	wholeShow = "show.m3u8"   // the whole show of a session that is over
	master    = "master.m3u8" // the multivariant playlist of a stream
	journals  = "journal.jsonl"
	partsDir  = "parts" // what children write for the composer
)

var (
	streamPattern  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}(@[A-Za-z0-9_-]{1,64})?$`) // main, main@720p
	sessionPattern = regexp.MustCompile(`^\d{8}T\d{6}Z$`)
	segmentPattern = regexp.MustCompile(`^(\d{8}T\d{6}Z)-(\d{1,16})-(\d{1,19})\.(ts|m4s)$`)
	initPattern    = regexp.MustCompile(`^(\d{8}T\d{6}Z)-\d{1,16}-\d{1,9}-init\.mp4$`)
)

// segment is one media segment of a session, as its journal keeps it.
type segment struct {
	Number int64     `json:"n"`             // media sequence number
	Breaks int64     `json:"d"`             // discontinuity sequence number
	Name   string    `json:"uri"`           // of the file
	Map    string    `json:"map,omitempty"` // of the file that must come before it; "": none
	Length float64   `json:"len"`           // seconds
	At     time.Time `json:"at"`            // when it begins, by the wall clock
	Break  bool      `json:"break,omitempty"`
	Size   int64     `json:"size"` // bytes
}

func (g segment) end() time.Time { return g.At.Add(seconds(g.Length)) }

// rounded is what must not exceed the target duration (RFC 8216 section 4.3.3.1).
func (g segment) rounded() int { return int(math.Round(g.Length)) }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// isFragment reports whether a session of such segments needs init segments.
func isFragment(name string) bool { return strings.HasSuffix(name, ".m4s") }

// named is what a segment's name says.
type named struct {
	part   string
	number int64
}

func segmentName(name string) named {
	m := segmentPattern.FindStringSubmatch(name)
	if m == nil {
		return named{}
	}
	n, _ := strconv.ParseInt(m[3], 10, 64)
	return named{part: m[2], number: n}
}
