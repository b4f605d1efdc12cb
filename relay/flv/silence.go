package flv

import (
	"errors"
	"fmt"
)

// Audio object types (ISO/IEC 14496-3, table 1.17).
const (
	objectLC     = 2
	objectSBR    = 5  // HE-AAC: a core of another type follows
	objectPS     = 29 // HE-AAC v2: as well
	objectEscape = 31
)

// Syntactic elements of a raw_data_block (ISO/IEC 14496-3, table 4.85).
const (
	elementSCE = 0 // one channel
	elementCPE = 1 // two channels
	elementLFE = 3
	elementEnd = 7
)

// SilentAAC returns one raw AAC access unit of silence that fits config, an AudioSpecificConfig: the header in front of
// it need not change. One unit lasts samples/rate seconds. For HE-AAC both are those of the AAC-LC core, half of what a
// player hears; there the unit has no spectral band replication data, for config does not tell what form that must have.
//
// It serves AAC-LC with or without HE-AAC around it in the channel configurations that ffmpeg 5.1 decodes (1 to 7, 11
// and 12: mono to 7.1); for all else it returns an error.
func SilentAAC(config []byte) (frame []byte, samples, rate int, err error) {
	c, err := parseAAC(config)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("make silent AAC: %w", err)
	}
	elements := silentElements(c.channels)
	if elements == nil {
		return nil, 0, 0, fmt.Errorf("make silent AAC: channel configuration %d is not supported", c.channels)
	}
	var w bitWriter
	var tags [elementLFE + 1]uint32
	for _, element := range elements {
		w.silence(element, tags[element])
		tags[element]++
	}
	w.put(elementEnd, 3)
	return w.bytes, c.samples, c.rate, nil
}

// silentElements is the order of elements in a channel configuration (ISO/IEC 14496-3, table 1.19), nil for those not
// served. Configuration 0 describes its channels apart.
func silentElements(configuration uint32) []uint32 {
	const sce, cpe, lfe = elementSCE, elementCPE, elementLFE
	switch configuration {
	case 1:
		return []uint32{sce}
	case 2:
		return []uint32{cpe}
	case 3:
		return []uint32{sce, cpe}
	case 4:
		return []uint32{sce, cpe, sce}
	case 5:
		return []uint32{sce, cpe, cpe}
	case 6:
		return []uint32{sce, cpe, cpe, lfe}
	case 7, 12:
		return []uint32{sce, cpe, cpe, cpe, lfe}
	case 11:
		return []uint32{sce, cpe, cpe, sce, lfe}
	}
	return nil
}

// silence appends one element of long windows without a single scale factor band (max_sfb 0), so that neither
// sections, scale factors nor a spectrum follow (ISO/IEC 14496-3, 4.4.2.1).
func (w *bitWriter) silence(element, tag uint32) {
	w.put(element, 3)
	w.put(tag, 4)
	if element != elementCPE {
		w.put(0, 8)  // global_gain
		w.put(0, 11) // ics_info: only long windows, sine shape, max_sfb 0, no prediction
		w.put(0, 3)  // no pulses, no TNS, no gain control
		return
	}
	w.put(1, 1)  // common_window: one ics_info for both channels
	w.put(0, 11) // ics_info
	w.put(0, 2)  // ms_mask_present: no
	for range 2 {
		w.put(0, 8) // global_gain
		w.put(0, 3)
	}
}

// aacConfig is what a silent frame must know of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
type aacConfig struct {
	rate     int // of the core, in Hz
	samples  int // of a frame of the core
	channels uint32
}

func parseAAC(config []byte) (aacConfig, error) {
	r := bitReader{bytes: config}
	object := r.object()
	c := aacConfig{rate: r.rate(), channels: r.take(4), samples: 1024}
	if object == objectSBR || object == objectPS {
		r.rate() // after replication
		object = r.object()
	}
	if r.take(1) == 1 {
		c.samples = 960
	}
	switch {
	case r.short:
		return aacConfig{}, errors.New("AudioSpecificConfig is too short")
	case object != objectLC:
		return aacConfig{}, fmt.Errorf("audio object type %d is not supported, only AAC-LC (2)", object)
	case c.rate == 0:
		return aacConfig{}, errors.New("AudioSpecificConfig has no sampling rate")
	}
	return c, nil
}

// bitReader reads bits, the most significant first. Behind the end it reads zeros and says so.
type bitReader struct {
	bytes []byte
	at    int // bit
	short bool
}

func (r *bitReader) take(width int) (value uint32) {
	for range width {
		value <<= 1
		if r.at/8 >= len(r.bytes) {
			r.short = true
			continue
		}
		value |= uint32(r.bytes[r.at/8]>>(7-r.at%8)) & 1
		r.at++
	}
	return value
}

func (r *bitReader) object() uint32 {
	object := r.take(5)
	if object == objectEscape {
		object = 32 + r.take(6)
	}
	return object
}

// rate reads a sampling rate in Hz, 0 if it is none (ISO/IEC 14496-3, table 1.18).
func (r *bitReader) rate() int {
	const escape = 15
	rates := [escape]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	index := r.take(4)
	if index == escape {
		return int(r.take(24))
	}
	return rates[index]
}

// bitWriter writes bits, the most significant first. The last byte is filled up with zeros.
type bitWriter struct {
	bytes []byte
	at    int // bit
}

func (w *bitWriter) put(value uint32, width int) {
	for i := width - 1; i >= 0; i-- {
		if w.at%8 == 0 {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[w.at/8] |= byte(value>>i&1) << (7 - w.at%8)
		w.at++
	}
}
