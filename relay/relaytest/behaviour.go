package relaytest

import "time"

// behaviour is what a [Sink] does with its connections. The zero value takes whatever comes.
type behaviour struct {
	answerAfter time.Duration // from the TCP connection to the handshake; 0: at once
	resetAfter  time.Duration // from the publish that was accepted; 0: never
	refusal     *refusal      // of every publish; nil: none
	rate        int           // what is read of a connection, in bytes a second; 0: all of it
	discard     bool
	chatter     bool
}

// refusal is what a platform says to a publish it does not take.
type refusal struct{ code, description string }

// Accept makes the sink accept every publish from now on, read what comes and keep it.
func (s *Sink) Accept() { s.behave(behaviour{}) }

// RefuseKey is [Sink.RefuseWith] in the words of most platforms about a wrong key.
func (s *Sink) RefuseKey() { s.RefuseWith("NetStream.Publish.BadName", "Stream key not accepted.") }

// RefuseWith makes the sink refuse every publish from now on in a platform's words, for example
// "NetStream.Publish.BadName", "already publishing". Running sessions stay.
func (s *Sink) RefuseWith(code, description string) {
	s.behave(behaviour{refusal: &refusal{code, description}})
}

// ResetAfter makes the sink accept every publish from now on, and reset its connection d later.
func (s *Sink) ResetAfter(d time.Duration) { s.behave(behaviour{resetAfter: d}) }

// AnswerAfter makes the sink accept connections as ever but say its first word only d later, to TLS or RTMP.
func (s *Sink) AnswerAfter(d time.Duration) { s.behave(behaviour{answerAfter: d}) }

// Discard makes the sink accept everything and keep none of the media, as some platforms do with a key that belongs
// to no broadcast. To its peer all looks well: only a session's Tags stay as they are.
func (s *Sink) Discard() { s.behave(behaviour{discard: true}) }

// Throttle makes the sink read so many bytes a second of each connection, at an even pace. A peer that sends more
// fills the same 230 kB as at a [Sink.Wedge] first.
func (s *Sink) Throttle(bytesPerSecond int) { s.behave(behaviour{rate: bytesPerSecond}) }

// Chatter makes the sink stop reading every session that publishes, at its next message, and ping it 20 times a
// second instead: a wedge with signs of life. RTMP travels in one connection, so pings and acknowledgements of the
// peer get no further than its media; what can go on is what the platform says.
func (s *Sink) Chatter() { s.behave(behaviour{chatter: true}) }

func (s *Sink) behave(b behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour = b
}

func (s *Sink) current() behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}
