package ingest

import (
	"bufio"
	"bytes"

	"github.com/bluenviron/gortmplib/pkg/rawmessage"
)

// CheckAMF is what stands between peers and gortmplib's decoder.
func CheckAMF(b []byte) error { return checkAMF(b) }

// ReadChunks returns the messages in b, and why there are no more.
func ReadChunks(b []byte) (messages []*rawmessage.Message, err error) {
	r := newChunkReader(bufio.NewReader(bytes.NewReader(b)), maxUnfinished, func() error { return nil })
	for {
		m, err := r.Read()
		if err != nil {
			return messages, err
		}
		messages = append(messages, m)
	}
}

// MaxUnfinished is what unfinished messages may hold.
const MaxUnfinished = maxUnfinished
