package ingest

import (
	"encoding/binary"
	"fmt"

	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/gortmplib/pkg/rawmessage"
)

// negotiate answers commands until the peer publishes or plays.
func (s *session) negotiate() (action command, err error) {
	for {
		raw, err := s.r.Read()
		if err != nil {
			return command{}, fmt.Errorf("before a publish: %w", err)
		}
		if done, err := s.control(raw); err != nil {
			return command{}, err
		} else if done || !isCommand(raw) {
			continue
		}
		c, err := readCommand(raw)
		if err != nil {
			return command{}, err
		}
		switch c.name {
		case "connect":
			app, _ := c.object(0).GetString("app")
			agent, _ := c.object(0).GetString("flashVer")
			s.tcURL, _ = c.object(0).GetString("tcUrl")
			s.app, s.agent = app, printable(agent)
			err = s.replyConnect(c)
		case "createStream":
			err = s.replyResult(c, float64(1))
		case "publish", "play":
			return c, nil
		}
		if err != nil {
			return command{}, fmt.Errorf("answer %s: %w", printable(c.name), err)
		}
	}
}

func isCommand(raw *rawmessage.Message) bool {
	t := message.Type(raw.Type)
	return t == message.TypeCommandAMF0 || t == message.TypeCommandAMF3
}

// control handles protocol control messages (RTMP 1.0 section 5.4) and user control messages (section 6.2). It
// reports whether it knew the message.
func (s *session) control(raw *rawmessage.Message) (known bool, err error) {
	var value uint32
	if len(raw.Body) >= 4 {
		value = binary.BigEndian.Uint32(raw.Body)
	}
	switch message.Type(raw.Type) {
	case message.TypeSetChunkSize:
		return true, s.setChunkSize(value)
	case message.TypeAbortMessage:
		s.r.Abort(value)
	case message.TypeSetWindowAckSize:
		if value > 0 {
			s.t.ackWindow = max(value, minAckWindow)
		}
	case message.TypeUserControl:
		if value>>16 == uint32(message.UserControlTypePingRequest) && len(raw.Body) >= 6 {
			return true, s.w.Write(&message.UserControlPingResponse{
				ServerTime: binary.BigEndian.Uint32(raw.Body[2:]),
			})
		}
	case message.TypeAcknowledge, message.TypeSetPeerBandwidth:
	default:
		return false, nil
	}
	return true, nil
}

func (s *session) setChunkSize(v uint32) error {
	if v < minChunkSize || v > maxChunkSize {
		return fmt.Errorf("chunk size of %d bytes, must be %d to %d", v, minChunkSize, maxChunkSize)
	}
	s.r.size = int(v)
	return nil
}

// acknowledge tells the peer what has come, as often as it asked for (RTMP 1.0 section 5.4.3).
func (s *session) acknowledge() error {
	if !s.t.ackDue() {
		return nil
	}
	return s.w.Write(&message.Acknowledge{Value: s.t.acked})
}
