package ingest

import (
	"github.com/bluenviron/gortmplib/pkg/amf0"
	"github.com/bluenviron/gortmplib/pkg/message"
)

// What we tell a peer about windows and chunks; the values of other servers, which every encoder knows.
const (
	ackWindow    = 2_500_000
	ourChunkSize = 65_536
	dynamic      = 2 // limit type (RTMP 1.0 section 5.4.5)
)

// replyConnect accepts a connection.
func (s *session) replyConnect(c command) error {
	for _, m := range []message.Message{
		&message.SetWindowAckSize{Value: ackWindow},
		&message.SetPeerBandwidth{Value: ackWindow, Type: dynamic},
		&message.SetChunkSize{Value: ourChunkSize},
		&message.CommandAMF0{
			ChunkStreamID: c.chunk, Name: "_result", CommandID: int(c.id),
			Arguments: amf0.Data{
				amf0.Object{
					{Key: "fmsVer", Value: "FMS/3,5,7,7009"},
					{Key: "capabilities", Value: float64(31)},
				},
				amf0.Object{
					{Key: "level", Value: "status"},
					{Key: "code", Value: "NetConnection.Connect.Success"},
					{Key: "description", Value: "Connection succeeded."},
					{Key: "objectEncoding", Value: float64(0)},
				},
			},
		},
	} {
		if err := s.w.Write(m); err != nil {
			return err
		}
	}
	return nil
}

// replyResult answers a command that only wants a result: createStream gets its stream's number.
func (s *session) replyResult(c command, result any) error {
	return s.w.Write(&message.CommandAMF0{
		ChunkStreamID: c.chunk, Name: "_result", CommandID: int(c.id), Arguments: amf0.Data{nil, result},
	})
}

// replyStatus tells the peer what became of its publish or play.
func (s *session) replyStatus(c command, level, code, description string) error {
	return s.w.Write(&message.CommandAMF0{
		ChunkStreamID: 5, MessageStreamID: c.stream, Name: "onStatus",
		Arguments: amf0.Data{nil, amf0.Object{
			{Key: "level", Value: level},
			{Key: "code", Value: code},
			{Key: "description", Value: description},
		}},
	})
}

// replyPlay accepts a play.
func (s *session) replyPlay() error {
	if err := s.w.Write(&message.UserControlStreamBegin{StreamID: mediaStream}); err != nil {
		return err
	}
	if err := s.replyStatus(s.command, "status", "NetStream.Play.Reset", "playing and resetting"); err != nil {
		return err
	}
	return s.replyStatus(s.command, "status", "NetStream.Play.Start", "started playing")
}
