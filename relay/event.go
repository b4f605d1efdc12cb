package relay

import "time"

// Happening is what an Event is about.
type Happening string

// What happens to a stream.
const (
	Published Happening = "published" // a publisher came
	Left      Happening = "left"      // a publisher said goodbye
	Lost      Happening = "lost"      // a publisher was lost
	Switched  Happening = "switch"    // somebody asks for another publisher
	Fed       Happening = "feeding"   // a publisher feeds the stream from now on, a stopgap included
	Began     Happening = "began"     // a session
	Ended     Happening = "ended"     // a session
)

// Event is one thing that happened to a stream.
type Event struct {
	At      time.Time
	Stream  string
	Session time.Time // its start; zero before there is one
	What    Happening
	Key     string // of the publisher, if one is concerned
	Role    Role
	Why     string // for people
}
