package rendition

// Plan is which renditions run, and which do not.
type Plan struct {
	Encoders []Encode  // one child each, the longest requested first
	Refused  []Refusal // one for each request

	names map[need]string
}

// Encode is one rendition that runs.
type Encode struct {
	Stream   string   // the source
	Name     string   // of the stream it makes: main@720p
	Settings Settings // with the defaults filled in
	Cores    float64  // about what it costs
	Live     bool     // the source is on air, so that the cost is known and counts
	For      []string // who asked
}

// Refusal is a request the budget has no room for.
type Refusal struct {
	Request Request
	Cores   float64 // what it would cost
	Why     string  // for people, with what to do about it
}

// Find returns the name of the stream that answers the request, and false where it was refused or never made.
func (p Plan) Find(r Request) (name string, ok bool) {
	name, ok = p.names[r.need()]
	return name, ok
}

// Cores is what all of it that is live costs together.
func (p Plan) Cores() float64 {
	sum := 0.0
	for _, e := range p.Encoders {
		if e.Live {
			sum += e.Cores
		}
	}
	return sum
}
