package relaytest

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/restreamd/restreamd/relay"
	"github.com/restreamd/restreamd/relay/flv"
)

// Kinds of a [Tag]: the FLV tag types, which are the RTMP message types.
const (
	KindAudio uint8 = 8
	KindVideo uint8 = 9
	KindData  uint8 = 18
)

// Tag is one media message a [Sink] received.
type Tag struct {
	Kind     uint8
	DTS      uint32 // in ms, as sent
	Keyframe bool   // of video only
	// Init tells what describes media (metadata, codec headers, end of sequence) from what is media.
	Init bool
	// Hash is the MD5 of the payload behind the FLV tag header of its kind: equal to [VideoHashes], [AudioHashes].
	Hash string
	Body []byte    // kept only by a sink that was asked to: [KeepBodies]
	At   time.Time // when its last byte was read
}

// Session is one TCP connection to a [Sink], whatever came of it.
type Session struct {
	SNI        string // host name asked for in the TLS handshake
	App, TCURL string // from connect
	Key        string // from publish, query included, exactly as sent
	Connected  time.Time
	FirstMedia time.Time // zero until there is any
	Tags       []Tag
	Clean      bool      // a goodbye was seen: FCUnpublish, deleteStream or closeStream
	Closed     time.Time // zero while the connection is open
}

// VideoHashes returns the hashes of the video packets in the order they came, codec headers left out.
func (s Session) VideoHashes() []string { return s.hashes(KindVideo) }

// AudioHashes returns the hashes of the audio packets in the order they came, codec headers left out.
func (s Session) AudioHashes() []string { return s.hashes(KindAudio) }

func (s Session) hashes(kind uint8) []string {
	var hashes []string
	for _, tag := range s.Tags {
		if tag.Kind == kind && !tag.Init {
			hashes = append(hashes, tag.Hash)
		}
	}
	return hashes
}

// FirstKeyframe returns the time from the TCP connection to the first video keyframe, and whether one came.
func (s Session) FirstKeyframe() (time.Duration, bool) {
	for _, tag := range s.Tags {
		if tag.Keyframe && !tag.Init {
			return tag.At.Sub(s.Connected), true
		}
	}
	return 0, false
}

// WriteFLV writes what came, as it came, to a new file in the test's folder and returns its path. The sink must have
// been opened with [KeepBodies].
func (s Session) WriteFLV(t testing.TB) string {
	t.Helper()
	file := flv.AppendHeader(nil, true, true)
	for _, tag := range s.Tags {
		if tag.Body == nil {
			t.Fatal("write FLV: the sink kept no bodies")
		}
		file = flv.AppendTagHeader(file, relay.Kind(tag.Kind), len(tag.Body), int64(tag.DTS))
		file = append(file, tag.Body...)
		file = flv.AppendTrailer(file, len(tag.Body))
	}
	path := filepath.Join(t.TempDir(), "session.flv")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatalf("write FLV: %v", err)
	}
	return path
}

// MonotonicDTS returns an error that names the first audio or video packet whose DTS is below that of the packet
// before it on the same track. A wrap at 2^32 ms is not a step back.
func (s Session) MonotonicDTS() error {
	last := map[uint8]uint32{}
	for i, tag := range s.Tags {
		if tag.Init {
			continue
		}
		if before, seen := last[tag.Kind]; seen && int32(tag.DTS-before) < 0 {
			return fmt.Errorf("tag %d of kind %d: DTS falls from %d to %d ms", i, tag.Kind, before, tag.DTS)
		}
		last[tag.Kind] = tag.DTS
	}
	return nil
}

// newTag reads no more of the body than its first bytes, so codecs nobody here knows are recorded too.
func newTag(kind uint8, dts uint32, body []byte) Tag {
	tag := Tag{Kind: kind, DTS: dts, At: time.Now()}
	payload := body
	switch {
	case kind == KindVideo && len(body) > 0:
		tag.Keyframe = body[0]>>4&7 == 1
		payload, tag.Init = videoPayload(body)
	case kind == KindAudio && len(body) > 0:
		payload, tag.Init = audioPayload(body)
	default:
		tag.Init = true
	}
	sum := md5.Sum(payload)
	tag.Hash = hex.EncodeToString(sum[:])
	return tag
}

// videoPayload follows the FLV specification, and Enhanced RTMP where the first bit says so.
func videoPayload(body []byte) (payload []byte, init bool) {
	if body[0]&0x80 != 0 {
		const codedFrames, codedFramesX = 1, 3
		header, kind := 5, body[0]&0x0f
		// Only these three carry a composition time, and only in this packet type.
		if fourCC := string(body[1:min(5, len(body))]); kind == codedFrames &&
			(fourCC == "avc1" || fourCC == "hvc1" || fourCC == "vvc1") {
			header += 3
		}
		return body[min(header, len(body)):], kind != codedFrames && kind != codedFramesX
	}
	const avc, nalUnits = 7, 1
	if body[0]&0x0f != avc {
		return body[1:], false
	}
	return body[min(5, len(body)):], len(body) < 2 || body[1] != nalUnits
}

func audioPayload(body []byte) (payload []byte, init bool) {
	const extended, aac, raw = 9, 10, 1
	switch body[0] >> 4 {
	case extended:
		const codedFrames = 1
		return body[min(5, len(body)):], body[0]&0x0f != codedFrames
	case aac:
		return body[min(2, len(body)):], len(body) < 2 || body[1] != raw
	default:
		return body[1:], false
	}
}
